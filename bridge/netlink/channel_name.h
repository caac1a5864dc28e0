// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_CHANNEL_NAME_H_
#define KCHAN_BRIDGE_NETLINK_CHANNEL_NAME_H_

#include <optional>
#include <string>
#include <string_view>

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

struct ChannelGroup {
  std::string family;
  std::string group;
  std::string network_namespace;  // empty: kchand's own
};

// What ChannelName() was made of; nothing: it is of no group.
inline std::optional<ChannelGroup> GroupOf(std::string_view channel) {
  if (!channel.starts_with("netlink/")) return std::nullopt;
  channel.remove_prefix(channel.find('/') + 1);
  const size_t slash = channel.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const size_t at = channel.rfind('@');
  const bool has_namespace = at != std::string_view::npos && at > slash;
  const size_t end = has_namespace ? at : channel.size();
  return ChannelGroup{
      .family = std::string(channel.substr(0, slash)),
      .group = std::string(channel.substr(slash + 1, end - slash - 1)),
      .network_namespace = std::string(has_namespace ? channel.substr(at + 1) : "")};
}

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_CHANNEL_NAME_H_
