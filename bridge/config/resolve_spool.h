// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_RESOLVE_SPOOL_H_
#define KCHAN_BRIDGE_CONFIG_RESOLVE_SPOOL_H_

#include <string>

#include "absl/status/status.h"
#include "bridge/config/config.h"
#include "kchan/config/v1/config.pb.h"

namespace kchan::config {

// The parts of Resolve() about history on disk.
absl::Status ResolveSpool(const v1::Config& from, Config& to);
absl::Status ResolveChannelSpool(const std::string& field, const v1::ChannelSpool& from,
                                 spool::SpoolLimits& to);

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_RESOLVE_SPOOL_H_
