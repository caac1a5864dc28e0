// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_RESOLVE_NETLINK_H_
#define KCHAN_BRIDGE_CONFIG_RESOLVE_NETLINK_H_

#include "absl/status/statusor.h"
#include "bridge/netlink/netlink_options.h"
#include "kchan/config/v1/config.pb.h"

namespace kchan::config {

// The part of Resolve() about netlink, classic and generic.
absl::StatusOr<netlink::NetlinkOptions> ResolveNetlink(const v1::Config& from);

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_RESOLVE_NETLINK_H_
