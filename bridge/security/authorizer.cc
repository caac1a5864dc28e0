// SPDX-License-Identifier: Apache-2.0
#include "bridge/security/authorizer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "bridge/hub/subscription.h"
#include "bridge/security/authorizer_rules.h"

namespace kchan::security {
namespace {

using config::v1::Policy;

// Each call is held against all of it.
constexpr int kMaxRules = 1000;
constexpr int kMaxGlobs = 1000;  // of a list

constexpr char kAnyone[] = "anyone";
constexpr char kAnyCertificate[] = "any-certificate";

absl::Status Bad(absl::string_view field, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", problem));
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 63 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::islower(c) || std::isdigit(c) || c == '_' || c == '.' || c == '-';
         });
}

absl::Status CheckName(const std::string& field, const std::string& name) {
  if (IsName(name)) return absl::OkStatus();
  return Bad(field,
             absl::StrCat("'", absl::CEscape(name), "' is no name: [a-z0-9_.-], at most 63"));
}

// Takes a list over, each checked by `check`.
template <typename List, typename Check>
absl::Status Take(const std::string& field, const List& from, std::vector<std::string>& to,
                  const Check& check) {
  if (from.size() > kMaxGlobs) return Bad(field, absl::StrCat("at most ", kMaxGlobs));
  for (int i = 0; i < from.size(); ++i) {
    if (absl::Status status = check(from[i]); !status.ok()) {
      return Bad(absl::StrCat(field, "[", i, "]"), status.message());
    }
    to.push_back(from[i]);
  }
  return absl::OkStatus();
}

template <typename List>
absl::Status TakeChannels(const std::string& field, const List& from,
                          std::vector<std::string>& to) {
  return Take(field, from, to, [](const std::string& glob) { return hub::CheckGlob(glob); });
}

absl::Status TakeNetlink(const std::string& field, const config::v1::NetlinkRule& from,
                         NetlinkGrant& to) {
  if (from.read().empty() && from.privileged().empty()) {
    return Bad(field, "allows nothing: give read or privileged");
  }
  const auto check = [](const std::string& rule) { return netlink::NetlinkRules::CheckRule(rule); };
  absl::Status status = Take(field + ".read", from.read(), to.read, check);
  status.Update(Take(field + ".privileged", from.privileged(), to.privileged, check));
  status.Update(Take(field + ".network_namespaces", from.network_namespaces(), to.namespaces,
                     [](const std::string& glob) {
                       return glob.empty() ? absl::OkStatus() : hub::CheckGlob(glob);
                     }));
  if (to.namespaces.empty()) to.namespaces.emplace_back();
  return status;
}

}  // namespace

bool Authorizer::Role::Has(const Identity& identity) const {
  if (has_anyone || (has_any_certificate && identity.has_certificate)) return true;
  for (const std::string& member : members) {
    for (const std::string& known : identity.names) {
      if (hub::GlobMatches(member, known)) return true;
    }
  }
  return false;
}

Authorizer::Authorizer() = default;
Authorizer::~Authorizer() = default;

absl::StatusOr<std::shared_ptr<const Authorizer>> Authorizer::Make(const Policy& policy) {
  std::shared_ptr<Authorizer> authorizer(new Authorizer());
  switch (policy.unix_sockets()) {
    case config::v1::UNIX_SOCKET_RIGHTS_UNSPECIFIED:
    case config::v1::UNIX_SOCKET_RIGHTS_BY_LISTENER:
      break;
    case config::v1::UNIX_SOCKET_RIGHTS_BY_POLICY:
      authorizer->decides_for_local_ = true;
      break;
    default:
      return Bad("unix_sockets", "must be UNIX_SOCKET_RIGHTS_BY_LISTENER or _BY_POLICY");
  }
  if (absl::Status status = authorizer->AddRoles(policy); !status.ok()) return status;
  if (absl::Status status = authorizer->AddRules(policy); !status.ok()) return status;
  return authorizer;
}

absl::Status Authorizer::AddRoles(const Policy& policy) {
  if (policy.roles_size() > kMaxRules) return Bad("roles", absl::StrCat("at most ", kMaxRules));
  for (int i = 0; i < policy.roles_size(); ++i) {
    const std::string field = absl::StrCat("roles[", i, "]");
    const config::v1::Role& from = policy.roles(i);
    if (absl::Status status = CheckName(field + ".name", from.name()); !status.ok()) return status;
    for (const Role& other : roles_) {
      if (other.name == from.name()) {
        return Bad(field + ".name", absl::StrCat("there is another '", from.name(), "' already"));
      }
    }
    Role role{.name = from.name(), .members = {}};
    const auto check = [&](const std::string& member) {
      role.has_anyone |= member == kAnyone;
      role.has_any_certificate |= member == kAnyCertificate;
      if (member == kAnyone || member == kAnyCertificate) return absl::OkStatus();
      if (member.starts_with("unix:") && !decides_for_local_) {
        return absl::InvalidArgumentError(absl::StrCat(
            "'", absl::CEscape(member),
            "' would have no effect: rights on Unix sockets are their listeners', unless the "
            "policy says unix_sockets: UNIX_SOCKET_RIGHTS_BY_POLICY"));
      }
      return CheckIdentityGlob(member);
    };
    absl::Status status = Take(field + ".members", from.members(), role.members, check);
    if (!status.ok()) return status;
    if (from.members().empty()) return Bad(field + ".members", "at least one is needed");
    roles_.push_back(std::move(role));
  }
  return absl::OkStatus();
}

absl::Status Authorizer::AddRules(const Policy& policy) {
  if (policy.rules_size() > kMaxRules) return Bad("rules", absl::StrCat("at most ", kMaxRules));
  for (int i = 0; i < policy.rules_size(); ++i) {
    const std::string field = absl::StrCat("rules[", i, "]");
    const config::v1::Rule& from = policy.rules(i);
    Grants::Rule rule{.name = from.name().empty() ? field : from.name(),
                      .roles = {},
                      .channels = {},
                      .netlink = {},
                      .status = from.status()};
    absl::Status status;
    if (!from.name().empty()) status.Update(CheckName(field + ".name", from.name()));
    if (from.roles().empty()) status.Update(Bad(field + ".roles", "at least one is needed"));
    for (int r = 0; r < from.roles_size(); ++r) {
      const auto role = std::find_if(roles_.begin(), roles_.end(),
                                     [&](const Role& each) { return each.name == from.roles(r); });
      if (role == roles_.end()) {
        return Bad(absl::StrCat(field, ".roles[", r, "]"),
                   absl::StrCat("there is no role '", absl::CEscape(from.roles(r)), "'"));
      }
      rule.roles.push_back(static_cast<size_t>(role - roles_.begin()));
    }
    const auto of = [&](Right right) -> std::vector<std::string>& {
      return rule.channels[static_cast<size_t>(right)];
    };
    status.Update(TakeChannels(field + ".read", from.read(), of(Right::kRead)));
    status.Update(TakeChannels(field + ".write", from.write(), of(Right::kWrite)));
    status.Update(TakeChannels(field + ".control", from.control(), of(Right::kControl)));
    for (int n = 0; n < from.netlink_size(); ++n) {
      status.Update(TakeNetlink(absl::StrCat(field, ".netlink[", n, "]"), from.netlink(n),
                                rule.netlink.emplace_back()));
    }
    if (!status.ok()) return status;
    if (from.read().empty() && from.write().empty() && from.control().empty() &&
        from.netlink().empty() && !from.status()) {
      return Bad(field, "allows nothing: give read, write, control, netlink or status");
    }
    rules_.push_back(std::move(rule));
  }
  return absl::OkStatus();
}

Grants Authorizer::GrantsOf(const Identity& identity, bool only_reads, bool is_local) const {
  Grants grants = Grants::OfListener(only_reads);
  if (is_local && !decides_for_local_) return grants;
  grants.authorizer_ = shared_from_this();
  std::vector<bool> has(roles_.size());
  for (size_t i = 0; i < roles_.size(); ++i) has[i] = roles_[i].Has(identity);
  for (const Grants::Rule& rule : rules_) {
    const bool is_for_it =
        std::any_of(rule.roles.begin(), rule.roles.end(), [&](size_t role) { return has[role]; });
    if (is_for_it) grants.rules_.push_back(&rule);
  }
  return grants;
}

}  // namespace kchan::security
