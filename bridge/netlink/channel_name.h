// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_CHANNEL_NAME_H_
#define KCHAN_BRIDGE_NETLINK_CHANNEL_NAME_H_

#include <string>

#include "absl/strings/str_cat.h"

namespace kchan::netlink {

// The channel that has what a family multicasts to one of its groups:
// "netlink/ethtool/monitor", "netlink/ethtool/monitor@blue" of another network
// namespace.
inline std::string ChannelName(const std::string& family, const std::string& group,
                               const std::string& network_namespace) {
  return absl::StrCat("netlink/", family, "/", group, network_namespace.empty() ? "" : "@",
                      network_namespace);
}

// Of no other channel: no other's name has a slash.
inline bool IsChannelName(const std::string& channel) { return channel.starts_with("netlink/"); }

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_CHANNEL_NAME_H_
