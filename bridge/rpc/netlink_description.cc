// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/netlink_description.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "bridge/netlink/netlink_engine.h"
#include "bridge/rpc/netlink_messages.h"
#include "bridge/rpc/netlink_policies.h"
#include "bridge/rpc/netlink_specification.h"

namespace kchan::rpc {
namespace {

// gRPC's clients take 4 MiB, unless they say otherwise. Of the kernel's own
// specifications the longest makes 31 kB.
constexpr size_t kMaxDescriptionBytes = size_t{3} << 20;

// Leaves the operation of this name or number alone.
absl::Status KeepOperation(const netlink::Spec* spec, const std::string& wanted,
                           v1::NetlinkFamily& family) {
  auto& operations = *family.mutable_operations();
  const auto is_it = [&](const v1::NetlinkOperation& operation) {
    return operation.name() == wanted || absl::StrCat(operation.number()) == wanted;
  };
  operations.erase(
      std::remove_if(operations.begin(), operations.end(),
                     [&](const v1::NetlinkOperation& operation) { return !is_it(operation); }),
      operations.end());
  if (!operations.empty()) return absl::OkStatus();
  return netlink::NoOperation(spec, family.name(), wanted);
}

}  // namespace

absl::StatusOr<v1::DescribeFamilyResponse> Describe(const netlink::DescribedFamily& described,
                                                    const v1::DescribeFamilyRequest& request,
                                                    const hub::Hub& hub) {
  v1::DescribeFamilyResponse response;
  *response.mutable_family() = ToProto(described.known, request.network_namespace(), hub);
  const bool is_whole = request.operation().empty();
  if (!is_whole) {
    const absl::Status found =
        KeepOperation(described.known.spec.get(), request.operation(), *response.mutable_family());
    if (!found.ok()) return found;
  }
  AddPolicies(described, response);
  if (described.known.spec != nullptr) {
    AddSpecification(*described.known.spec, is_whole, response);
  }
  if (const size_t bytes = response.ByteSizeLong(); bytes > kMaxDescriptionBytes) {
    return absl::FailedPreconditionError(
        absl::StrCat("the description of netlink family ", request.family(), " has ", bytes,
                     " bytes, more than ", kMaxDescriptionBytes,
                     is_whole ? ": ask for one operation" : ": its specification is too large"));
  }
  return response;
}

}  // namespace kchan::rpc
