// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_METRICS_COLLECT_H_
#define KCHAN_BRIDGE_METRICS_COLLECT_H_

#include <vector>

#include "bridge/hub/hub.h"
#include "bridge/rpc/server.h"
#include "prometheus/metric_family.h"

namespace kchan::metrics {

// All of kchand's figures as they are now, named as docs/metrics.md lists them.
// Of a channel there are its counters even when nothing was lost, so that the
// first loss is a rise.
//
// Thread safety: any thread.
std::vector<prometheus::MetricFamily> Collect(const hub::Hub& hub, const rpc::Server& server);

}  // namespace kchan::metrics

#endif  // KCHAN_BRIDGE_METRICS_COLLECT_H_
