// SPDX-License-Identifier: Apache-2.0
#include "netlink_family_text.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "output.h"

namespace kchan::cli {
namespace {

std::string PolicyText(bool has_policy, uint32_t policy) {
  return has_policy ? absl::StrCat(policy) : "-";
}

// The bytes of an integer; 0: of another kind, or of any length.
int IntegerBytes(v1::NetlinkAttributeKind kind) {
  switch (kind) {
    case v1::NETLINK_ATTRIBUTE_KIND_U8:
    case v1::NETLINK_ATTRIBUTE_KIND_S8:
      return 1;
    case v1::NETLINK_ATTRIBUTE_KIND_U16:
    case v1::NETLINK_ATTRIBUTE_KIND_S16:
      return 2;
    case v1::NETLINK_ATTRIBUTE_KIND_U32:
    case v1::NETLINK_ATTRIBUTE_KIND_S32:
      return 4;
    case v1::NETLINK_ATTRIBUTE_KIND_U64:
    case v1::NETLINK_ATTRIBUTE_KIND_S64:
    case v1::NETLINK_ATTRIBUTE_KIND_UINT:
    case v1::NETLINK_ATTRIBUTE_KIND_SINT:
      return 8;
    default:
      return 0;
  }
}

// The kernel tells a range also where it is the type's own.
bool IsAllOfType(const v1::NetlinkAttributePolicy& attribute) {
  const int bytes = IntegerBytes(attribute.kind());
  return bytes != 0 && attribute.min_value() == 0 &&
         attribute.max_value() == UINT64_MAX >> (64 - 8 * bytes);
}

bool IsAllOfSignedType(const v1::NetlinkAttributePolicy& attribute) {
  const int bytes = IntegerBytes(attribute.kind());
  if (bytes == 0) return false;
  const int64_t max = INT64_MAX >> (64 - 8 * bytes);
  return attribute.min_signed_value() == -max - 1 && attribute.max_signed_value() == max;
}

// "u32, 1 to 4095", "nested, policy 3"
std::string AllowedText(const v1::NetlinkAttributePolicy& attribute) {
  std::string text = absl::StrCat(
      EnumText(v1::NetlinkAttributeKind_Name(attribute.kind()), "NETLINK_ATTRIBUTE_KIND_"),
      LimitsText(attribute));
  if (attribute.has_nested_policy()) {
    absl::StrAppend(&text, ", policy ", attribute.nested_policy());
  }
  return text;
}

std::string FactsText(const v1::NetlinkFamily& family) {
  std::string text = absl::StrCat(
      "family:        ", Safe(family.name()), " (id ", family.id(), ", version ", family.version(),
      ")\nspecification: ",
      family.specification().empty() ? "none is known here" : Safe(family.specification()), "\n");
  if (!family.documentation().empty()) {
    absl::StrAppend(&text, "what it is:    ", InOneLine(family.documentation()), "\n");
  }
  if (family.header_bytes() > 0) {
    absl::StrAppend(&text, "header:        ", family.header_bytes(), " bytes\n");
  }
  return text;
}

std::string OperationsText(const v1::NetlinkFamily& family) {
  Table table;
  table.Add({"OPERATION", "NUMBER", "CAN", "WHO", "WHAT IT DOES"});
  for (const v1::NetlinkOperation& each : family.operations()) {
    table.Add({OrDash(each.name()), absl::StrCat(each.number()), ModesText(each),
               PrivilegeText(each.privilege()), InOneLine(each.documentation())});
  }
  return "\n" + table.ToString();
}

std::string GroupsText(const v1::NetlinkFamily& family) {
  if (family.groups().empty()) return {};
  Table table;
  table.Add({"GROUP", "ID", "CHANNEL"});
  for (const v1::NetlinkGroup& group : family.groups()) {
    table.Add({Safe(group.name()), absl::StrCat(group.id()), OrDash(group.channel())});
  }
  return "\n" + table.ToString();
}

std::string NotificationsText(const v1::DescribeFamilyResponse& described) {
  if (described.notifications().empty()) return {};
  Table table;
  table.Add({"NOTIFICATION", "NUMBER", "GROUP", "AS THE REPLY OF", "WHAT IT SAYS"});
  for (const v1::NetlinkNotification& each : described.notifications()) {
    table.Add({Safe(each.name()), absl::StrCat(each.number()), OrDash(each.group()),
               OrDash(each.notifies()), InOneLine(each.documentation())});
  }
  return "\n" + table.ToString();
}

// Which policies are whose requests'.
std::string PoliciesOfOperations(const v1::NetlinkFamily& family) {
  Table table;
  table.Add({"OPERATION", "DO POLICY", "DUMP POLICY"});
  for (const v1::NetlinkOperation& each : family.operations()) {
    table.Add({absl::StrCat(each.number()), PolicyText(each.has_do_policy(), each.do_policy()),
               PolicyText(each.has_dump_policy(), each.dump_policy())});
  }
  return "\n" + table.ToString();
}

}  // namespace

std::string PrivilegeText(v1::NetlinkPrivilege privilege) {
  switch (privilege) {
    case v1::NETLINK_PRIVILEGE_NONE:
      return "everybody";
    case v1::NETLINK_PRIVILEGE_NAMESPACE_ADMIN:
      return "admin of the namespace";
    case v1::NETLINK_PRIVILEGE_ADMIN:
      return "admin";
    default:
      return "-";
  }
}

std::string ModesText(const v1::NetlinkOperation& operation) {
  if (operation.can_do() && operation.can_dump()) return "do, dump";
  return operation.can_dump() ? "dump" : operation.can_do() ? "do" : "-";
}

std::string LimitsText(const v1::NetlinkAttributePolicy& attribute) {
  std::string text;
  if (attribute.has_max_value() && !IsAllOfType(attribute)) {
    absl::StrAppend(&text, ", ", attribute.min_value(), " to ", attribute.max_value());
  }
  if (attribute.has_max_signed_value() && !IsAllOfSignedType(attribute)) {
    absl::StrAppend(&text, ", ", attribute.min_signed_value(), " to ",
                    attribute.max_signed_value());
  }
  if (attribute.has_min_bytes()) absl::StrAppend(&text, ", at least ", attribute.min_bytes(), " B");
  if (attribute.has_max_bytes()) absl::StrAppend(&text, ", at most ", attribute.max_bytes(), " B");
  if (attribute.has_mask()) absl::StrAppend(&text, ", bits 0x", absl::Hex(attribute.mask()));
  return text;
}

std::string PoliciesText(const v1::DescribeFamilyResponse& described) {
  if (described.policies().empty()) return {};
  Table table;
  table.Add({"POLICY", "NUMBER", "ATTRIBUTE", "WHAT A REQUEST MAY HOLD"});
  for (const v1::NetlinkPolicy& policy : described.policies()) {
    for (const v1::NetlinkAttributePolicy& attribute : policy.attributes()) {
      table.Add({absl::StrCat(policy.id()), absl::StrCat(attribute.number()),
                 OrDash(attribute.name()), AllowedText(attribute)});
    }
  }
  return PoliciesOfOperations(described.family()) + "\n" + table.ToString();
}

std::string FamiliesText(const std::vector<v1::NetlinkFamily>& families) {
  Table table;
  table.Add({"FAMILY", "ID", "VERSION", "OPERATIONS", "GROUPS", "SPEC", "WHAT IT IS"});
  for (const v1::NetlinkFamily& family : families) {
    table.Add({Safe(family.name()), absl::StrCat(family.id()), absl::StrCat(family.version()),
               absl::StrCat(family.operations_size()),
               family.groups().empty()
                   ? "-"
                   : absl::StrJoin(family.groups(), ",",
                                   [](std::string* out, const v1::NetlinkGroup& group) {
                                     absl::StrAppend(out, Safe(group.name()));
                                   }),
               family.specification().empty() ? "no" : "yes", InOneLine(family.documentation())});
  }
  return table.ToString();
}

std::string FamilyText(const v1::DescribeFamilyResponse& described) {
  const v1::NetlinkFamily& family = described.family();
  std::string text = FactsText(family) + OperationsText(family) + GroupsText(family) +
                     NotificationsText(described);
  if (family.specification().empty()) return text + PoliciesText(described);
  absl::StrAppend(&text, "\nWhat one takes and answers: `kchan netlink describe ",
                  Safe(family.name()), " OPERATION`\n");
  return text;
}

}  // namespace kchan::cli
