// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_RESOLVE_METRICS_H_
#define KCHAN_BRIDGE_CONFIG_RESOLVE_METRICS_H_

#include "absl/status/status.h"
#include "bridge/config/config.h"
#include "kchan/config/v1/config.pb.h"

namespace kchan::config {

// The part about metrics. INVALID_ARGUMENT names the field.
absl::Status ResolveMetrics(const v1::Config& from, Config& to);

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_RESOLVE_METRICS_H_
