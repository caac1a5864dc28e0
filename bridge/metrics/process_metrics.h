// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_METRICS_PROCESS_METRICS_H_
#define KCHAN_BRIDGE_METRICS_PROCESS_METRICS_H_

#include <vector>

#include "prometheus/metric_family.h"

namespace kchan::metrics {

// This process, by the names that all of Prometheus' client libraries use.
void CollectProcess(std::vector<prometheus::MetricFamily>& to);

}  // namespace kchan::metrics

#endif  // KCHAN_BRIDGE_METRICS_PROCESS_METRICS_H_
