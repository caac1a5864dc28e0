// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SECURITY_AUTHORIZER_RULES_H_
#define KCHAN_BRIDGE_SECURITY_AUTHORIZER_RULES_H_

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/security/authorizer.h"

// The parts of a policy, checked: what authorizer and grants share.
namespace kchan::security {

struct NetlinkGrant {
  std::vector<std::string> read;
  std::vector<std::string> privileged;
  std::vector<std::string> namespaces;  // globs; "" is kchand's own
};

struct Authorizer::Role {
  bool Has(const Identity& identity) const;

  std::string name;
  std::vector<std::string> members;  // globs of identities
  bool has_anyone = false;
  bool has_any_certificate = false;
};

struct Grants::Rule {
  bool Allows(Right right, std::string_view channel) const;
  bool AllowsAny(Right right) const;
  bool AllowsNetlink(const netlink::Wanted& wanted, std::string_view network_namespace,
                     bool privileged) const;
  // Of whatever network namespace: null.
  bool IsAboutFamily(std::string_view family, const std::string_view* network_namespace) const;

  std::string name;
  std::vector<size_t> roles;                         // indices
  std::array<std::vector<std::string>, 3> channels;  // globs, by Right
  std::vector<NetlinkGrant> netlink;
  bool status = false;
};

}  // namespace kchan::security

#endif  // KCHAN_BRIDGE_SECURITY_AUTHORIZER_RULES_H_
