// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_CALLER_H_
#define KCHAN_BRIDGE_RPC_CALLER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/netlink/netlink_rules.h"
#include "bridge/rpc/core.h"
#include "bridge/rpc/entrance.h"
#include "bridge/security/authorizer.h"
#include "grpcpp/server_context.h"

namespace kchan::rpc {

// Who makes one call, and what it may do: every method asks its caller before it
// looks at anything, by the name that the client gave, so that what may not be
// read and what is not there answer alike.
//
// A Check*() that fails is PERMISSION_DENIED, with reason NOT_ALLOWED (no rule
// allows it) or CONTROL_RIGHT_NEEDED (the listener gives the read right only) and
// metadata "identity", "right" and "object"; and it is audited.
//
// Thread safety: one thread at a time. Streams keep a copy for their life.
//
// Lifetime: the core outlives it.
class Caller {
 public:
  // `method` is a constant: "SetValue".
  Caller(Core& core, const Entrance& entrance, const char* method,
         const grpc::CallbackServerContext& context);

  // Takes up a policy that has come since. False: there is none such.
  bool Renew();

  const security::Grants& grants() const { return grants_; }

  // Of a channel that the client names.
  absl::Status Check(security::Right right, const std::string& channel) const;
  bool May(security::Right right, const std::string& channel) const {
    return grants_.Channel(right, channel).is_allowed();
  }
  // Before one is named: whether there could be one.
  absl::Status CheckAny(security::Right right) const;
  // Whether it may know of the channel.
  absl::Status CheckSees(const std::string& channel) const;
  // Whether it may ask anything of the family; empty: of any.
  absl::Status CheckFamily(const std::string& family, const std::string& network_namespace) const;
  absl::Status CheckFamily(const std::string& family) const;
  // Whether it may have what is wanted, and whether with privilege.
  absl::StatusOr<bool> CheckNetlink(const netlink::Wanted& wanted,
                                    const std::string& network_namespace) const;
  absl::Status CheckStatus() const;
  absl::Status CheckAnything() const;

  // A line of something that it did, and `rule` allowed.
  void Audit(const std::string& object, const std::string& request, const std::string& rule,
             const std::string& result) const;
  // The same of a channel that it had `right` on.
  void AuditChannel(security::Right right, const std::string& channel, const std::string& request,
                    const std::string& result) const;
  // Of something that was refused for a reason that is not in the policy.
  void AuditDenial(const std::string& object, const std::string& result) const;

 private:
  // What was asked for, as errors and the audit say it.
  struct Asked {
    std::string right;   // "read"
    std::string object;  // "channel heater"
    std::string remedy;  // the line of a rule that would allow it
  };
  static Asked OfChannel(const char* right, const std::string& channel);
  static Asked OfFamily(const std::string& family, const std::string& where);

  absl::Status ToStatus(const security::Decision& decision, const Asked& asked) const;
  void Write(const std::string& object, const std::string& request, bool is_allowed,
             const std::string& rule, const std::string& result) const;

  Core& core_;
  const char* method_;
  std::string listener_;
  std::string peer_;
  security::Identity identity_;
  bool only_reads_;
  bool is_local_;
  uint64_t policy_version_ = 0;
  security::Grants grants_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_CALLER_H_
