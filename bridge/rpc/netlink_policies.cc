// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/netlink_policies.h"

#include <algorithm>
#include <map>
#include <set>

namespace kchan::rpc {
namespace {

using netlink::AttributeSet;

// Which attributes of the specification a policy is about. One that several
// operations share is named by the first.
class PolicyNames {
 public:
  explicit PolicyNames(const std::map<uint32_t, netlink::Policy>& policies) : policies_(policies) {}

  void Name(uint32_t policy, const AttributeSet* set) {
    if (set == nullptr || !sets_.emplace(policy, set).second) return;
    const auto found = policies_.find(policy);
    if (found == policies_.end()) return;
    for (const auto& [number, attribute] : found->second) {
      const netlink::Attribute* const named = set->Find(number);
      if (attribute.nested_policy && named != nullptr)
        Name(*attribute.nested_policy, named->nested);
    }
  }

  // Null: not known.
  const AttributeSet* Find(uint32_t policy) const {
    const auto found = sets_.find(policy);
    return found == sets_.end() ? nullptr : found->second;
  }

 private:
  const std::map<uint32_t, netlink::Policy>& policies_;
  std::map<uint32_t, const AttributeSet*> sets_;
};

// The policies of the operations' requests, and those inside them.
class UsedPolicies {
 public:
  explicit UsedPolicies(const std::map<uint32_t, netlink::Policy>& policies)
      : policies_(policies) {}

  void Add(uint32_t policy) {
    if (!used_.insert(policy).second) return;
    const auto found = policies_.find(policy);
    if (found == policies_.end()) return;  // one without attributes
    for (const auto& [number, attribute] : found->second) {
      if (attribute.nested_policy) Add(*attribute.nested_policy);
    }
  }

  const std::set<uint32_t>& ids() const { return used_; }

 private:
  const std::map<uint32_t, netlink::Policy>& policies_;
  std::set<uint32_t> used_;
};

v1::NetlinkAttributeKind KindOf(uint32_t kind) {
  // NL_ATTR_TYPE_FLAG is 1, and the protocol's numbers are the kernel's.
  return v1::NetlinkAttributeKind_IsValid(static_cast<int>(kind))
             ? static_cast<v1::NetlinkAttributeKind>(kind)
             : v1::NETLINK_ATTRIBUTE_KIND_UNSPECIFIED;
}

void AddAttribute(uint16_t number, const netlink::AttributePolicy& from, const AttributeSet* set,
                  v1::NetlinkPolicy& policy) {
  v1::NetlinkAttributePolicy& to = *policy.add_attributes();
  to.set_number(number);
  const netlink::Attribute* const named = set == nullptr ? nullptr : set->Find(number);
  if (named != nullptr) to.set_name(named->name);
  to.set_kind(KindOf(from.kind));
  if (from.min_value) to.set_min_value(*from.min_value);
  if (from.max_value) to.set_max_value(*from.max_value);
  if (from.min_signed_value) to.set_min_signed_value(*from.min_signed_value);
  if (from.max_signed_value) to.set_max_signed_value(*from.max_signed_value);
  if (from.min_bytes) to.set_min_bytes(*from.min_bytes);
  if (from.max_bytes) to.set_max_bytes(*from.max_bytes);
  if (from.mask) to.set_mask(*from.mask);
  if (from.nested_policy) to.set_nested_policy(*from.nested_policy);
  if (from.nested_max_attribute) to.set_nested_max_attribute(*from.nested_max_attribute);
}

}  // namespace

void AddPolicies(const netlink::DescribedFamily& described, v1::DescribeFamilyResponse& to) {
  const netlink::FamilyPolicies& from = described.policies;
  PolicyNames names(from.policies);
  UsedPolicies used(from.policies);
  for (v1::NetlinkOperation& operation : *to.mutable_family()->mutable_operations()) {
    const auto found = from.operations.find(operation.number());
    if (found == from.operations.end()) continue;
    const netlink::OperationPolicies& policies = found->second;
    if (policies.do_policy) operation.set_do_policy(*policies.do_policy);
    if (policies.dump_policy) operation.set_dump_policy(*policies.dump_policy);
    const netlink::Operation* const specified =
        described.known.spec == nullptr ? nullptr
                                        : described.known.spec->FindOperation(operation.name());
    for (const auto& policy : {policies.do_policy, policies.dump_policy}) {
      if (!policy) continue;
      used.Add(*policy);
      names.Name(*policy, specified == nullptr ? nullptr : specified->layout.attributes);
    }
  }
  for (const uint32_t id : used.ids()) {
    v1::NetlinkPolicy& to_policy = *to.add_policies();
    to_policy.set_id(id);
    const auto policy = from.policies.find(id);
    if (policy == from.policies.end()) continue;
    for (const auto& [number, attribute] : policy->second) {
      AddAttribute(number, attribute, names.Find(id), to_policy);
    }
  }
}

}  // namespace kchan::rpc
