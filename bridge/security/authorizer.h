// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SECURITY_AUTHORIZER_H_
#define KCHAN_BRIDGE_SECURITY_AUTHORIZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/netlink/netlink_rules.h"
#include "bridge/security/identity.h"
#include "kchan/config/v1/policy.pb.h"

namespace kchan::security {

// What can be done with a channel.
enum class Right : uint8_t { kRead, kWrite, kControl };

// "read"
const char* Name(Right right);

// Whether something is allowed, and by what.
struct Decision {
  enum class Because : uint8_t {
    kRule,              // `rule` allows it
    kListener,          // there is no policy for it: the listener's right decides
    kNoRule,            // denied: none allows it
    kListenerOnlyReads  // denied, whatever the rules say
  };

  bool is_allowed() const { return because == Because::kRule || because == Because::kListener; }

  Because because = Because::kNoRule;
  std::string rule = {};  // its name; "listener" of the listener's right; empty: none
};

class Authorizer;

// What one identity may do through one listener.
//
// Thread safety: immutable.
class Grants {
 public:
  // By the listener's right alone.
  static Grants OfListener(bool only_reads);

  Decision Channel(Right right, std::string_view channel) const;
  // Whether it has the right on any channel there could be.
  Decision AnyChannel(Right right) const;
  // Whether it may know that the channel is there: it has some right on it.
  Decision Sees(std::string_view channel) const;

  // An operation, or a group, of a family in a network namespace.
  Decision Netlink(const netlink::Wanted& wanted, std::string_view network_namespace,
                   bool privileged) const;
  // Whether it may ask the family for anything. Empty: any family.
  Decision NetlinkFamily(std::string_view family, std::string_view network_namespace) const;
  // The same, in whatever network namespace.
  Decision NetlinkFamily(std::string_view family) const;

  Decision Status() const;
  // Whether it may do anything at all.
  Decision Anything() const;

 private:
  friend class Authorizer;

  struct Rule;

  template <typename Allows>
  Decision FirstThat(const Allows& allows) const;

  std::shared_ptr<const Authorizer> authorizer_;  // null: the listener's right decides
  std::vector<const Rule*> rules_;                // those for this identity; the authorizer's
  bool only_reads_ = false;
};

// A policy, ready to decide by. Knows neither the hub nor gRPC.
//
// Thread safety: immutable.
class Authorizer : public std::enable_shared_from_this<Authorizer> {
 public:
  // INVALID_ARGUMENT is "FIELD: what is wrong and what is allowed".
  static absl::StatusOr<std::shared_ptr<const Authorizer>> Make(const config::v1::Policy& policy);
  ~Authorizer();

  // `only_reads`: the listener has the read right only. `is_local`: it is a Unix
  // socket.
  Grants GrantsOf(const Identity& identity, bool only_reads, bool is_local) const;

 private:
  struct Role;

  Authorizer();
  absl::Status AddRoles(const config::v1::Policy& policy);
  absl::Status AddRules(const config::v1::Policy& policy);

  std::vector<Role> roles_;
  std::vector<Grants::Rule> rules_;
  bool decides_for_local_ = false;
};

}  // namespace kchan::security

#endif  // KCHAN_BRIDGE_SECURITY_AUTHORIZER_H_
