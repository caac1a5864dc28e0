// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_METRICS_CHANNEL_METRICS_H_
#define KCHAN_BRIDGE_METRICS_CHANNEL_METRICS_H_

#include <vector>

#include "bridge/hub/hub.h"
#include "prometheus/metric_family.h"

namespace kchan::metrics {

// What each channel has had, lost and given to its subscribers; the label
// `channel` is its name.
void CollectChannels(const hub::Hub& hub, std::vector<prometheus::MetricFamily>& to);

}  // namespace kchan::metrics

#endif  // KCHAN_BRIDGE_METRICS_CHANNEL_METRICS_H_
