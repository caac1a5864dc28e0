// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/netlink_rules.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "bridge/hub/subscription.h"

namespace kchan::netlink {
namespace {

bool AnyMatches(const std::vector<std::string>& rules, const Wanted& wanted) {
  for (const std::string& rule : rules) {
    if (NetlinkRules::Matches(rule, wanted)) return true;
  }
  return false;
}

std::string Name(const Wanted& wanted) {
  return wanted.name.empty() ? std::to_string(wanted.number) : absl::CEscape(wanted.name);
}

// "operation rings-set of netlink family ethtool"
std::string Describe(const Wanted& wanted) {
  return absl::StrCat(wanted.is_group ? "group " : "operation ", Name(wanted),
                      " of netlink family ", absl::CEscape(wanted.family));
}

std::string Line(const char* field, const Wanted& wanted) {
  return absl::StrCat("netlink { ", field, ": \"", absl::CEscape(wanted.family), ":", Name(wanted),
                      "\" } in kchand's configuration");
}

}  // namespace

absl::Status NetlinkRules::CheckRule(std::string_view rule) {
  const size_t colon = rule.find(':');
  absl::Status status = hub::CheckGlob(rule.substr(0, colon));
  if (status.ok() && colon != std::string_view::npos) {
    status = hub::CheckGlob(rule.substr(colon + 1));
  }
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat("'", std::string(rule),
                                                 "' must be FAMILY, FAMILY:OPERATION or "
                                                 "FAMILY:GROUP, with globs: ",
                                                 status.message()));
}

absl::StatusOr<Privilege> NetlinkRules::Check(const Wanted& wanted, bool has_control) const {
  if (!AnyMatches(read_, wanted) && !AnyMatches(privileged_, wanted)) {
    return absl::PermissionDeniedError(absl::StrCat(
        Describe(wanted), " is not offered to clients: ", Line("read", wanted), " would open it"));
  }
  const bool is_opened = AnyMatches(privileged_, wanted);
  // The records of a group are read by all who may read: its line is enough.
  if (is_opened && (has_control || wanted.is_group)) return Privilege::kOwn;
  // A dump changes nothing: the kernel decides whether anybody may have it.
  if (!wanted.is_reserved || wanted.is_dump) return Privilege::kNone;
  if (is_opened) {
    return absl::PermissionDeniedError(
        absl::StrCat(Describe(wanted),
                     " needs the control right: a control listener (by default the socket "
                     "control.sock beside read.sock) and, where kchand has a policy, a rule with "
                     "it as privileged"));
  }
  return absl::PermissionDeniedError(
      absl::StrCat(Describe(wanted), " is for CAP_NET_ADMIN: ", Remedy(wanted)));
}

bool NetlinkRules::Matches(std::string_view rule, const Wanted& wanted) {
  if (!IsAbout(rule, wanted.family)) return false;
  const size_t colon = rule.find(':');
  if (colon == std::string_view::npos) return true;
  const std::string_view glob = rule.substr(colon + 1);
  if (!wanted.name.empty() && hub::GlobMatches(glob, wanted.name)) return true;
  return !wanted.is_group && hub::GlobMatches(glob, std::to_string(wanted.number));
}

bool NetlinkRules::IsAbout(std::string_view rule, std::string_view family) {
  return hub::GlobMatches(rule.substr(0, rule.find(':')), family);
}

std::string NetlinkRules::Remedy(const Wanted& wanted) {
  return absl::StrCat(Line("privileged", wanted), " would open it to clients with the ",
                      wanted.is_group ? "read" : "control", " right");
}

}  // namespace kchan::netlink
