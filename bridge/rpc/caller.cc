// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/caller.h"

#include <memory>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "bridge/rpc/status.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/security/auth_context.h"

namespace kchan::rpc {
namespace {

using security::Decision;
// Of a client's names in messages; longer than any that there is.
constexpr size_t kMaxName = 300;

std::string Name(const std::string& name) { return absl::CEscape(name.substr(0, kMaxName)); }

std::vector<std::string> Property(const grpc::AuthContext& context, const char* name) {
  std::vector<std::string> values;
  for (const grpc::string_ref& value : context.FindPropertyValues(name)) {
    values.emplace_back(value.data(), value.size());
  }
  return values;
}

// gRPC has verified the certificate, or there would be no call.
security::Identity OfCertificate(const grpc::CallbackServerContext& context) {
  const auto auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return security::OfAnonymous(true);
  const std::vector<std::string> common_names = Property(*auth, GRPC_X509_CN_PROPERTY_NAME);
  return security::OfCertificate(Property(*auth, GRPC_PEER_URI_PROPERTY_NAME),
                                 Property(*auth, GRPC_PEER_DNS_PROPERTY_NAME),
                                 common_names.empty() ? "" : common_names.front());
}

}  // namespace

Caller::Caller(Core& core, const Entrance& entrance, const char* method,
               const grpc::CallbackServerContext& context)
    : core_(core),
      method_(method),
      listener_(entrance.address),
      peer_(context.peer()),
      identity_(entrance.identity ? *entrance.identity : OfCertificate(context)),
      only_reads_(entrance.right == rpc::Right::kRead),
      is_local_(entrance.is_local) {
  Renew();
}

bool Caller::Renew() {
  const uint64_t version = core_.policy.version();
  if (version == policy_version_) return false;
  // A policy that is newer than `version` is looked at once more: no harm.
  policy_version_ = version;
  const auto policy = core_.policy.Get();
  grants_ = policy == nullptr ? security::Grants::OfListener(only_reads_)
                              : policy->GrantsOf(identity_, only_reads_, is_local_);
  return true;
}

Caller::Asked Caller::OfChannel(const char* right, const std::string& channel) {
  const std::string name = Name(channel);
  return {right, absl::StrCat("channel ", name), absl::StrCat(right, ": \"", name, "\"")};
}

Caller::Asked Caller::OfFamily(const std::string& family, const std::string& where) {
  const std::string name = family.empty() ? "*" : Name(family);
  const std::string in = Name(where);
  return {
      "read",
      absl::StrCat(family.empty() ? "any netlink family" : "netlink family ",
                   family.empty() ? "" : name, where.empty() ? "" : " in network namespace ", in),
      absl::StrCat("netlink { read: \"", name, "\"",
                   where.empty() ? "" : absl::StrCat(" network_namespaces: \"", in, "\""), " }")};
}

absl::Status Caller::Check(security::Right right, const std::string& channel) const {
  const Decision decision = grants_.Channel(right, channel);
  if (decision.is_allowed()) return absl::OkStatus();
  return ToStatus(decision, OfChannel(security::Name(right), channel));
}

absl::Status Caller::CheckAny(security::Right right) const {
  const Decision decision = grants_.AnyChannel(right);
  if (decision.is_allowed()) return absl::OkStatus();
  const char* name = security::Name(right);
  return ToStatus(decision, {name, "any channel", absl::StrCat(name, ": \"*\"")});
}

absl::Status Caller::CheckSees(const std::string& channel) const {
  const Decision decision = grants_.Sees(channel);
  if (decision.is_allowed()) return absl::OkStatus();
  return ToStatus(decision, OfChannel(security::Name(security::Right::kRead), channel));
}

absl::Status Caller::CheckFamily(const std::string& family,
                                 const std::string& network_namespace) const {
  return ToStatus(grants_.NetlinkFamily(family, network_namespace),
                  OfFamily(family, network_namespace));
}

absl::Status Caller::CheckFamily(const std::string& family) const {
  return ToStatus(grants_.NetlinkFamily(family), OfFamily(family, ""));
}

absl::StatusOr<bool> Caller::CheckNetlink(const netlink::Wanted& wanted,
                                          const std::string& network_namespace) const {
  const Decision decision = grants_.Netlink(wanted, network_namespace, /*privileged=*/false);
  if (!decision.is_allowed()) {
    const std::string name = wanted.name.empty() ? absl::StrCat(wanted.number) : wanted.name;
    return ToStatus(decision, OfFamily(absl::StrCat(wanted.family, ":", name), network_namespace));
  }
  return grants_.Netlink(wanted, network_namespace, /*privileged=*/true).is_allowed();
}

absl::Status Caller::CheckStatus() const {
  return ToStatus(grants_.Status(), {"status", "the node's status", "status: true"});
}

absl::Status Caller::CheckAnything() const {
  return ToStatus(grants_.Anything(), {"any", "this node", "read: .."});
}

absl::Status Caller::ToStatus(const Decision& decision, const Asked& asked) const {
  if (decision.is_allowed()) return absl::OkStatus();
  const bool is_listener = decision.because == Decision::Because::kListenerOnlyReads;
  const char* reason = is_listener ? "CONTROL_RIGHT_NEEDED" : "NOT_ALLOWED";
  Write(asked.object, "", /*is_allowed=*/false, "", reason);
  absl::Status status = absl::PermissionDeniedError(
      is_listener
          ? absl::StrCat(method_, " needs the control right, and ", listener_,
                         " gives the read right only: connect to a control listener (by default "
                         "the socket control.sock beside read.sock)")
          : absl::StrCat(method_, ": ", Name(identity_.name()), " has no ", asked.right,
                         " right on ", asked.object,
                         ": no rule of this node's policy gives it. Its operator could add ",
                         "rules { roles: .. ", asked.remedy, " }"));
  status = WithReason(std::move(status), reason);
  status = WithMetadata(std::move(status), "identity", Name(identity_.name()));
  status = WithMetadata(std::move(status), "right", asked.right);
  return WithMetadata(std::move(status), "object", asked.object);
}

void Caller::Audit(const std::string& object, const std::string& request, const std::string& rule,
                   const std::string& result) const {
  Write(object, request, /*is_allowed=*/true, rule, result);
}

void Caller::AuditChannel(security::Right right, const std::string& channel,
                          const std::string& request, const std::string& result) const {
  Audit(OfChannel("", channel).object, request, grants_.Channel(right, channel).rule, result);
}

void Caller::AuditDenial(const std::string& object, const std::string& result) const {
  Write(object, "", /*is_allowed=*/false, "", result);
}

void Caller::Write(const std::string& object, const std::string& request, bool is_allowed,
                   const std::string& rule, const std::string& result) const {
  core_.audit.Write({.identity = identity_.name(),
                     .peer = peer_,
                     .method = method_,
                     .object = object,
                     .request = request,
                     .is_allowed = is_allowed,
                     .rule = rule,
                     .result = result});
}

}  // namespace kchan::rpc
