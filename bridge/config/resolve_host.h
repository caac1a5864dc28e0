// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_RESOLVE_HOST_H_
#define KCHAN_BRIDGE_CONFIG_RESOLVE_HOST_H_

#include "absl/status/statusor.h"
#include "bridge/source/host_options.h"
#include "kchan/config/v1/config.pb.h"

namespace kchan::config {

// The part of Resolve() about channels that need no module.
absl::StatusOr<source::HostOptions> ResolveHost(const v1::Config& from);

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_RESOLVE_HOST_H_
