// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "bridge/hub/subscription.h"
#include "bridge/netlink/channel_name.h"
#include "bridge/security/authorizer_rules.h"

namespace kchan::security {
namespace {

constexpr char kListener[] = "listener";

bool AnyMatches(const std::vector<std::string>& globs, std::string_view name) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return hub::GlobMatches(glob, name); });
}

bool AnyMatches(const std::vector<std::string>& rules, const netlink::Wanted& wanted) {
  return std::any_of(rules.begin(), rules.end(), [&](const std::string& rule) {
    return netlink::NetlinkRules::Matches(rule, wanted);
  });
}

bool AnyIsAbout(const std::vector<std::string>& rules, std::string_view family) {
  return std::any_of(rules.begin(), rules.end(), [&](const std::string& rule) {
    return family.empty() || netlink::NetlinkRules::IsAbout(rule, family);
  });
}

Decision Denied(Decision::Because because) { return {.because = because}; }

}  // namespace

const char* Name(Right right) {
  switch (right) {
    case Right::kRead:
      return "read";
    case Right::kWrite:
      return "write";
    case Right::kControl:
      break;
  }
  return "control";
}

bool Grants::Rule::Allows(Right right, std::string_view channel) const {
  if (AnyMatches(channels[static_cast<size_t>(right)], channel)) return true;
  // The records of a group are read by who may read the group.
  const auto group = netlink::GroupOf(channel);
  return group && right == Right::kRead &&
         AllowsNetlink({.family = group->family, .name = group->group, .is_group = true},
                       group->network_namespace, /*privileged=*/false);
}

bool Grants::Rule::AllowsAny(Right right) const {
  if (!channels[static_cast<size_t>(right)].empty()) return true;
  return right == Right::kRead && !netlink.empty();
}

bool Grants::Rule::AllowsNetlink(const netlink::Wanted& wanted, std::string_view network_namespace,
                                 bool privileged) const {
  return std::any_of(netlink.begin(), netlink.end(), [&](const NetlinkGrant& grant) {
    if (!AnyMatches(grant.namespaces, network_namespace)) return false;
    return AnyMatches(grant.privileged, wanted) || (!privileged && AnyMatches(grant.read, wanted));
  });
}

bool Grants::Rule::IsAboutFamily(std::string_view family,
                                 const std::string_view* network_namespace) const {
  return std::any_of(netlink.begin(), netlink.end(), [&](const NetlinkGrant& grant) {
    if (network_namespace != nullptr && !AnyMatches(grant.namespaces, *network_namespace)) {
      return false;
    }
    return AnyIsAbout(grant.read, family) || AnyIsAbout(grant.privileged, family);
  });
}

Grants Grants::OfListener(bool only_reads) {
  Grants grants;
  grants.only_reads_ = only_reads;
  return grants;
}

template <typename Allows>
Decision Grants::FirstThat(const Allows& allows) const {
  if (authorizer_ == nullptr) return {.because = Decision::Because::kListener, .rule = kListener};
  for (const Rule* rule : rules_) {
    if (allows(*rule)) return {.because = Decision::Because::kRule, .rule = rule->name};
  }
  return Denied(Decision::Because::kNoRule);
}

Decision Grants::Channel(Right right, std::string_view channel) const {
  if (only_reads_ && right != Right::kRead) return Denied(Decision::Because::kListenerOnlyReads);
  return FirstThat([&](const Rule& rule) { return rule.Allows(right, channel); });
}

Decision Grants::AnyChannel(Right right) const {
  if (only_reads_ && right != Right::kRead) return Denied(Decision::Because::kListenerOnlyReads);
  return FirstThat([&](const Rule& rule) { return rule.AllowsAny(right); });
}

Decision Grants::Sees(std::string_view channel) const {
  return FirstThat([&](const Rule& rule) {
    return rule.Allows(Right::kRead, channel) || rule.Allows(Right::kWrite, channel) ||
           rule.Allows(Right::kControl, channel);
  });
}

Decision Grants::Netlink(const netlink::Wanted& wanted, std::string_view network_namespace,
                         bool privileged) const {
  if (only_reads_ && privileged) return Denied(Decision::Because::kListenerOnlyReads);
  return FirstThat(
      [&](const Rule& rule) { return rule.AllowsNetlink(wanted, network_namespace, privileged); });
}

Decision Grants::NetlinkFamily(std::string_view family, std::string_view network_namespace) const {
  return FirstThat(
      [&](const Rule& rule) { return rule.IsAboutFamily(family, &network_namespace); });
}

Decision Grants::NetlinkFamily(std::string_view family) const {
  return FirstThat([&](const Rule& rule) { return rule.IsAboutFamily(family, nullptr); });
}

Decision Grants::Status() const {
  return FirstThat([](const Rule& rule) { return rule.status; });
}

Decision Grants::Anything() const {
  return FirstThat([](const Rule& /*rule*/) { return true; });
}

}  // namespace kchan::security
