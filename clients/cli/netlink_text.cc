// SPDX-License-Identifier: Apache-2.0
#include "netlink_text.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "output.h"

namespace kchan::cli {
namespace {

using google::protobuf::Value;

// As JSON: what is in a Value can always be written.
std::string Json(const google::protobuf::Message& message) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json).ok()) return "null";
  return json;
}

std::string JsonText(const std::string& text) {
  Value value;
  value.set_string_value(text);
  return Json(value);
}

bool IsLeaf(const Value& value) {
  return value.kind_case() != Value::kStructValue && value.kind_case() != Value::kListValue;
}

std::string LeafText(const Value& value) {
  return value.kind_case() == Value::kStringValue ? Safe(value.string_value()) : Json(value);
}

bool AllLeaves(const google::protobuf::ListValue& list) {
  for (const Value& value : list.values()) {
    if (!IsLeaf(value)) return false;
  }
  return true;
}

void AppendStruct(const google::protobuf::Struct& fields, size_t depth, std::string* text);

void AppendField(const std::string& name, const Value& value, size_t depth, std::string* text) {
  absl::StrAppend(text, std::string(2 * depth, ' '), Safe(name), ":");
  if (IsLeaf(value)) {
    absl::StrAppend(text, " ", LeafText(value), "\n");
  } else if (value.kind_case() == Value::kStructValue) {
    absl::StrAppend(text, "\n");
    AppendStruct(value.struct_value(), depth + 1, text);
  } else if (AllLeaves(value.list_value())) {
    absl::StrAppend(text, " ",
                    absl::StrJoin(value.list_value().values(), ", ",
                                  [](std::string* out, const Value& each) {
                                    absl::StrAppend(out, LeafText(each));
                                  }),
                    "\n");
  } else {
    absl::StrAppend(text, "\n");
    int index = 0;
    for (const Value& each : value.list_value().values()) {
      AppendField(absl::StrCat("[", index++, "]"), each, depth + 1, text);
    }
  }
}

void AppendStruct(const google::protobuf::Struct& fields, size_t depth, std::string* text) {
  for (const auto& [name, value] : fields.fields()) AppendField(name, value, depth, text);
}

std::string Hex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

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

std::string FirstLine(const std::string& text) {
  std::vector<std::string> words =
      absl::StrSplit(text, absl::ByAnyChar(" \n\t"), absl::SkipEmpty());
  return Safe(absl::StrJoin(words, " "));
}

std::string ModesText(const v1::NetlinkOperation& operation) {
  if (operation.can_do() && operation.can_dump()) return "do, dump";
  return operation.can_dump() ? "dump" : operation.can_do() ? "do" : "-";
}

// "u32, 1 to 4095", "nested: policy 3"
std::string AllowedText(const v1::NetlinkAttributePolicy& attribute) {
  std::string text =
      EnumText(v1::NetlinkAttributeKind_Name(attribute.kind()), "NETLINK_ATTRIBUTE_KIND_");
  if (attribute.has_min_value() || attribute.has_max_value()) {
    absl::StrAppend(&text, ", ", attribute.min_value(), " to ", attribute.max_value());
  }
  if (attribute.has_min_signed_value() || attribute.has_max_signed_value()) {
    absl::StrAppend(&text, ", ", attribute.min_signed_value(), " to ",
                    attribute.max_signed_value());
  }
  if (attribute.has_min_bytes()) absl::StrAppend(&text, ", at least ", attribute.min_bytes(), " B");
  if (attribute.has_max_bytes()) absl::StrAppend(&text, ", at most ", attribute.max_bytes(), " B");
  if (attribute.has_mask()) absl::StrAppend(&text, ", bits 0x", absl::Hex(attribute.mask()));
  if (attribute.has_nested_policy()) {
    absl::StrAppend(&text, ", policy ", attribute.nested_policy());
  }
  return text;
}

std::string PolicyText(bool has_policy, uint32_t policy) {
  return has_policy ? absl::StrCat(policy) : "-";
}

std::string Name(const std::string& name) { return name.empty() ? "-" : Safe(name); }

}  // namespace

std::string OperationText(const v1::NetlinkMessage& message) {
  return message.operation().empty() ? absl::StrCat("command ", message.command())
                                     : Safe(message.operation());
}

std::string MessageText(const v1::NetlinkMessage& message) {
  std::string text = OperationText(message);
  if (message.decoding() == v1::NETLINK_DECODING_TREE) {
    absl::StrAppend(&text, "  (no specification: what attributes hold is a guess)");
  }
  absl::StrAppend(&text, "\n");
  if (!message.raw().empty()) absl::StrAppend(&text, "  raw: ", Hex(message.raw()), "\n");
  AppendStruct(message.attributes(), 1, &text);
  return text;
}

std::string AttributesLine(const v1::NetlinkMessage& message) {
  if (message.has_attributes()) return Json(message.attributes());
  return absl::StrCat("{\"raw\":\"", Hex(message.raw()), "\"}");
}

std::string MessageLine(const v1::NetlinkMessage& message) {
  std::string line = absl::StrCat("{\"operation\":", JsonText(message.operation()),
                                  ",\"command\":", message.command());
  if (!message.raw().empty()) absl::StrAppend(&line, ",\"raw\":\"", Hex(message.raw()), "\"");
  if (message.has_attributes()) {
    absl::StrAppend(
        &line, ",\"decoded_by\":\"",
        message.decoding() == v1::NETLINK_DECODING_SPECIFICATION ? "specification" : "guess",
        "\",\"attributes\":", Json(message.attributes()));
  }
  return absl::StrCat(line, "}");
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
               family.specification().empty() ? "no" : "yes", FirstLine(family.documentation())});
  }
  return table.ToString();
}

std::string DescriptionText(const v1::DescribeFamilyResponse& described) {
  const v1::NetlinkFamily& family = described.family();
  std::string text = absl::StrCat(
      "family:        ", Safe(family.name()), " (id ", family.id(), ", version ", family.version(),
      ")\nspecification: ",
      family.specification().empty() ? "none is known here" : Safe(family.specification()), "\n");
  if (!family.documentation().empty()) {
    absl::StrAppend(&text, "what it is:    ", FirstLine(family.documentation()), "\n");
  }
  if (family.header_bytes() > 0) {
    absl::StrAppend(&text, "header:        ", family.header_bytes(), " bytes\n");
  }
  Table operations;
  operations.Add({"OPERATION", "NUMBER", "CAN", "WHO", "DO POLICY", "DUMP POLICY", "WHAT IT DOES"});
  for (const v1::NetlinkOperation& each : family.operations()) {
    operations.Add(
        {Name(each.name()), absl::StrCat(each.number()), ModesText(each),
         PrivilegeText(each.privilege()), PolicyText(each.has_do_policy(), each.do_policy()),
         PolicyText(each.has_dump_policy(), each.dump_policy()), FirstLine(each.documentation())});
  }
  absl::StrAppend(&text, "\n", operations.ToString());
  if (family.groups_size() > 0) {
    Table groups;
    groups.Add({"GROUP", "ID", "CHANNEL"});
    for (const v1::NetlinkGroup& group : family.groups()) {
      groups.Add({Safe(group.name()), absl::StrCat(group.id()), Name(group.channel())});
    }
    absl::StrAppend(&text, "\n", groups.ToString());
  }
  if (described.policies_size() > 0) {
    Table policies;
    policies.Add({"POLICY", "NUMBER", "ATTRIBUTE", "WHAT A REQUEST MAY HOLD"});
    for (const v1::NetlinkPolicy& policy : described.policies()) {
      for (const v1::NetlinkAttributePolicy& attribute : policy.attributes()) {
        policies.Add({absl::StrCat(policy.id()), absl::StrCat(attribute.number()),
                      Name(attribute.name()), AllowedText(attribute)});
      }
    }
    absl::StrAppend(&text, "\n", policies.ToString());
  }
  return text;
}

}  // namespace kchan::cli
