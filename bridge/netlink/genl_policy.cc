// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/genl_policy.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "bridge/netlink/netlink_attributes.h"

namespace kchan::netlink {
namespace {

constexpr uint8_t kControlVersion = 2;
// Far more than any family has; a bound for what an answer can make us keep.
constexpr size_t kMaxPolicies = 4096;

template <typename T>
absl::Status Get(const AttributeView& attribute, std::optional<T>* value) {
  T number{};
  const absl::Status status = attribute.Get(&number);
  if (status.ok()) *value = number;
  return status;
}

// A bitfield's mask has 32 bits.
absl::Status GetNarrowMask(const AttributeView& attribute, std::optional<uint64_t>* mask) {
  uint32_t number = 0;
  const absl::Status status = attribute.Get(&number);
  if (status.ok()) *mask = number;
  return status;
}

absl::Status ReadAttributePolicy(const AttributeView& attribute, AttributePolicy* policy) {
  switch (attribute.type()) {
    case NL_POLICY_TYPE_ATTR_TYPE:
      return attribute.Get(&policy->kind);
    case NL_POLICY_TYPE_ATTR_MIN_VALUE_S:
      return Get(attribute, &policy->min_signed_value);
    case NL_POLICY_TYPE_ATTR_MAX_VALUE_S:
      return Get(attribute, &policy->max_signed_value);
    case NL_POLICY_TYPE_ATTR_MIN_VALUE_U:
      return Get(attribute, &policy->min_value);
    case NL_POLICY_TYPE_ATTR_MAX_VALUE_U:
      return Get(attribute, &policy->max_value);
    case NL_POLICY_TYPE_ATTR_MIN_LENGTH:
      return Get(attribute, &policy->min_bytes);
    case NL_POLICY_TYPE_ATTR_MAX_LENGTH:
      return Get(attribute, &policy->max_bytes);
    case NL_POLICY_TYPE_ATTR_POLICY_IDX:
      return Get(attribute, &policy->nested_policy);
    case NL_POLICY_TYPE_ATTR_POLICY_MAXTYPE:
      return Get(attribute, &policy->nested_max_attribute);
    case NL_POLICY_TYPE_ATTR_BITFIELD32_MASK:
      return GetNarrowMask(attribute, &policy->mask);
    case NL_POLICY_TYPE_ATTR_MASK:
      return Get(attribute, &policy->mask);
    default:
      return absl::OkStatus();
  }
}

// The nests are named by what they are of: a policy's number, an attribute's, an
// operation's.
absl::Status AddPolicy(const AttributeView& of_policy, uint32_t first, FamilyPolicies* to) {
  const uint32_t number = first + of_policy.type();
  if (to->policies.size() >= kMaxPolicies && !to->policies.contains(number)) {
    return absl::ResourceExhaustedError("nlctrl describes too many policies");
  }
  Policy& policy = to->policies[number];
  return VisitAttributes(of_policy.payload(), [&](const AttributeView& of_attribute) {
    auto parsed = ParseAttributePolicy(of_attribute.payload());
    if (!parsed.ok()) return parsed.status();
    if (parsed->nested_policy) *parsed->nested_policy += first;
    policy[of_attribute.type()] = *parsed;
    return absl::OkStatus();
  });
}

absl::Status AddOperation(const AttributeView& of_operation, uint32_t first, FamilyPolicies* to) {
  OperationPolicies& operation = to->operations[of_operation.type()];
  return VisitAttributes(of_operation.payload(), [&](const AttributeView& attribute) {
    auto* const policy = attribute.type() == CTRL_ATTR_POLICY_DO     ? &operation.do_policy
                         : attribute.type() == CTRL_ATTR_POLICY_DUMP ? &operation.dump_policy
                                                                     : nullptr;
    if (policy == nullptr) return absl::OkStatus();
    const absl::Status status = Get(attribute, policy);
    if (status.ok()) **policy += first;
    return status;
  });
}

// Asks for the policies of one operation, or of all.
absl::Status Ask(GenlSocket& socket, const GenlFamily& family, std::optional<uint32_t> command,
                 FamilyPolicies* policies) {
  const uint32_t first = policies->policies.empty() ? 0 : policies->policies.rbegin()->first + 1;
  GenlRequest request(GENL_ID_CTRL, CTRL_CMD_GETPOLICY, kControlVersion, NLM_F_DUMP);
  request.PutU16(CTRL_ATTR_FAMILY_ID, family.id);
  if (command) request.PutU32(CTRL_ATTR_OP, *command);
  const auto ack = socket.Ask(request, [&](const GenlMessage& message) {
    return AddPolicies(message.attributes, first, policies);
  });
  if (!ack.ok()) return ack.status();
  if (ack->error == ENODATA) return absl::OkStatus();
  return AckStatus(*ack, absl::StrCat("policies of netlink family ", family.name),
                   [](uint16_t) { return "of nlctrl"; });
}

}  // namespace

absl::StatusOr<AttributePolicy> ParseAttributePolicy(std::span<const std::byte> attributes) {
  AttributePolicy policy;
  const absl::Status status = VisitAttributes(attributes, [&](const AttributeView& attribute) {
    return ReadAttributePolicy(attribute, &policy);
  });
  if (!status.ok()) return status;
  return policy;
}

absl::Status AddPolicies(std::span<const std::byte> attributes, uint32_t first,
                         FamilyPolicies* policies) {
  return VisitAttributes(attributes, [&](const AttributeView& attribute) {
    switch (attribute.type()) {
      case CTRL_ATTR_POLICY:
        return VisitAttributes(attribute.payload(), [&](const AttributeView& nest) {
          return AddPolicy(nest, first, policies);
        });
      case CTRL_ATTR_OP_POLICY:
        return VisitAttributes(attribute.payload(), [&](const AttributeView& nest) {
          return AddOperation(nest, first, policies);
        });
      default:
        return absl::OkStatus();
    }
  });
}

absl::StatusOr<FamilyPolicies> GetPolicies(GenlSocket& socket, const GenlFamily& family) {
  FamilyPolicies policies;
  if (absl::Status status = Ask(socket, family, std::nullopt, &policies); !status.ok()) {
    return status;
  }
  // Some kernels report those that can only dump as one of number 0.
  policies.operations.erase(0);
  for (const GenlOperation& operation : family.operations) {
    const bool has_policy = (operation.flags & GENL_CMD_CAP_HASPOL) != 0;
    if (!has_policy || policies.operations.contains(operation.command)) continue;
    FamilyPolicies one;
    one.policies = policies.policies;  // so that its numbers begin behind
    const absl::Status status = Ask(socket, family, operation.command, &one);
    if (!status.ok()) continue;  // it has none that can be told
    policies.policies = std::move(one.policies);
    // There also as number 0.
    if (!one.operations.empty()) {
      policies.operations[operation.command] = one.operations.begin()->second;
    }
  }
  return policies;
}

}  // namespace kchan::netlink
