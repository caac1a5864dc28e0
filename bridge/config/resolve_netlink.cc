// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/resolve_netlink.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "bridge/config/field.h"
#include "bridge/netlink/netlink_rules.h"
#include "bridge/source/kernel_messages.h"
#include "bridge/source/uevent_channel.h"

namespace kchan::config {
namespace {

// The kernel's own, where they are installed, and an operator's.
constexpr char kInstalledSpecs[] = KCHAN_DATA_DIRECTORY "/netlink-specs";
constexpr char kOperatorsSpecs[] = "/etc/kchan/netlink-specs";

absl::Status ReadProtocols(const v1::Config& from, netlink::NetlinkOptions& to) {
  for (int i = 0; i < from.classic_netlink_protocols_size(); ++i) {
    const std::string& protocol = from.classic_netlink_protocols(i);
    if (protocol == "kobject_uevent") continue;
    if (protocol != "route") {
      return Bad(absl::StrCat("classic_netlink_protocols[", i, "]"),
                 absl::StrCat("'", protocol, "' is not offered: ", source::kClassicNetlinkReason));
    }
    to.route = true;
  }
  return absl::OkStatus();
}

template <typename Rules>
absl::Status ReadRules(const std::string& field, const Rules& from, std::vector<std::string>& to) {
  if (from.empty()) return absl::OkStatus();
  to.assign(from.begin(), from.end());
  for (size_t i = 0; i < to.size(); ++i) {
    if (absl::Status status = netlink::NetlinkRules::CheckRule(to[i]); !status.ok()) {
      return Bad(absl::StrCat(field, "[", i, "]"), std::string(status.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadNamespaces(const v1::Netlink& from, netlink::NetlinkOptions& to) {
  for (int i = 0; i < from.network_namespaces_size(); ++i) {
    const std::string field = absl::StrCat("netlink.network_namespaces[", i, "]");
    const v1::NetworkNamespace& each = from.network_namespaces(i);
    // Part of channels' names, and so named like them.
    if (!source::IsChannelName(each.name())) {
      return Bad(field + ".name", absl::StrCat("'", each.name(),
                                               "' is no name: [a-z0-9_.-], a letter first, at "
                                               "most 63"));
    }
    if (!each.path().starts_with('/')) {
      return Bad(field + ".path", "must be an absolute path, as /run/netns/NAME");
    }
    if (!to.network_namespaces.emplace(each.name(), each.path()).second) {
      return Bad(field + ".name", absl::StrCat("there is another '", each.name(), "' already"));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadSpecDirectories(const v1::Netlink& from, netlink::NetlinkOptions& to) {
  for (int i = 0; i < from.spec_directories_size(); ++i) {
    if (!from.spec_directories(i).starts_with('/')) {
      return Bad(absl::StrCat("netlink.spec_directories[", i, "]"), "must be an absolute path");
    }
    to.spec_directories.push_back(from.spec_directories(i));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<netlink::NetlinkOptions> ResolveNetlink(const v1::Config& config) {
  const v1::Netlink& from = config.netlink();
  netlink::NetlinkOptions to;
  to.enabled = !from.disabled();
  to.usual_spec_directories = {kInstalledSpecs, kOperatorsSpecs};
  uint32_t timeout_ms = 30'000;
  absl::Status status = ReadProtocols(config, to);
  status.Update(ReadRules("netlink.read", from.read(), to.read));
  status.Update(ReadRules("netlink.privileged", from.privileged(), to.privileged));
  status.Update(ReadNamespaces(from, to));
  status.Update(ReadSpecDirectories(from, to));
  status.Update(Number("netlink.receive_bytes", from.has_receive_bytes(), from.receive_bytes(),
                       32 << 10, 1 << 30, to.receive_bytes));
  status.Update(Number("netlink.request_timeout_ms", from.has_request_timeout_ms(),
                       from.request_timeout_ms(), 100, 3'600'000, timeout_ms));
  if (!status.ok()) return status;
  to.request_timeout = absl::Milliseconds(timeout_ms);
  return to;
}

}  // namespace kchan::config
