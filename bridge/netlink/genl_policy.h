// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_GENL_POLICY_H_
#define KCHAN_BRIDGE_NETLINK_GENL_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "bridge/netlink/genl_family.h"
#include "bridge/netlink/genl_socket.h"

namespace kchan::netlink {

// What the kernel accepts as one attribute of a request.
struct AttributePolicy {
  uint32_t kind = 0;  // NL_ATTR_TYPE_*
  std::optional<uint64_t> min_value = std::nullopt;
  std::optional<uint64_t> max_value = std::nullopt;
  std::optional<int64_t> min_signed_value = std::nullopt;
  std::optional<int64_t> max_signed_value = std::nullopt;
  std::optional<uint32_t> min_bytes = std::nullopt;
  std::optional<uint32_t> max_bytes = std::nullopt;
  std::optional<uint64_t> mask = std::nullopt;  // of integers and bitfields
  std::optional<uint32_t> nested_policy = std::nullopt;
  std::optional<uint32_t> nested_max_attribute = std::nullopt;
};

// By the attribute's number.
using Policy = std::map<uint16_t, AttributePolicy>;

// The policies of one operation's requests, by their numbers.
struct OperationPolicies {
  std::optional<uint32_t> do_policy = std::nullopt;
  std::optional<uint32_t> dump_policy = std::nullopt;
};

struct FamilyPolicies {
  std::map<uint32_t, OperationPolicies> operations;  // by command
  std::map<uint32_t, Policy> policies;
};

// What one attribute may be: a nest of NL_POLICY_TYPE_ATTR_*, which an extended
// acknowledgement may have, too.
absl::StatusOr<AttributePolicy> ParseAttributePolicy(std::span<const std::byte> attributes);

// Adds what one answer to CTRL_CMD_GETPOLICY says. `first` is added to each
// number of a policy: they are unique in one answer only.
absl::Status AddPolicies(std::span<const std::byte> attributes, uint32_t first,
                         FamilyPolicies* policies);

// Asks nlctrl. Empty: the family does not tell.
absl::StatusOr<FamilyPolicies> GetPolicies(GenlSocket& socket, const GenlFamily& family);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_GENL_POLICY_H_
