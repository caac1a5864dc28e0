// SPDX-License-Identifier: Apache-2.0
#include "netlink_text.h"

#include <google/protobuf/util/json_util.h>

#include <map>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "output.h"

namespace kchan::cli {
namespace {

using google::protobuf::Value;

// The protocol's map has no order.
std::map<std::string_view, const Value*> Sorted(const google::protobuf::Struct& fields) {
  std::map<std::string_view, const Value*> sorted;
  for (const auto& [name, value] : fields.fields()) sorted.emplace(name, &value);
  return sorted;
}

// A number, a text or the like: can always be written.
std::string LeafJson(const Value& value) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(value, &json).ok()) return "null";
  return json;
}

std::string JsonText(const std::string& text) {
  Value value;
  value.set_string_value(text);
  return LeafJson(value);
}

std::string Json(const google::protobuf::Struct& fields);

std::string Json(const Value& value) {
  if (value.kind_case() == Value::kStructValue) return Json(value.struct_value());
  if (value.kind_case() != Value::kListValue) return LeafJson(value);
  const auto append = [](std::string* out, const Value& each) { absl::StrAppend(out, Json(each)); };
  return absl::StrCat("[", absl::StrJoin(value.list_value().values(), ",", append), "]");
}

std::string Json(const google::protobuf::Struct& fields) {
  const auto append = [](std::string* out, const auto& field) {
    absl::StrAppend(out, JsonText(std::string(field.first)), ":", Json(*field.second));
  };
  return absl::StrCat("{", absl::StrJoin(Sorted(fields), ",", append), "}");
}

bool IsLeaf(const Value& value) {
  return value.kind_case() != Value::kStructValue && value.kind_case() != Value::kListValue;
}

std::string LeafText(const Value& value) {
  return value.kind_case() == Value::kStringValue ? Safe(value.string_value()) : LeafJson(value);
}

bool AllLeaves(const google::protobuf::ListValue& list) {
  for (const Value& value : list.values()) {
    if (!IsLeaf(value)) return false;
  }
  return true;
}

void AppendStruct(const google::protobuf::Struct& fields, size_t depth, std::string* text);

void AppendField(std::string_view name, const Value& value, size_t depth, std::string* text) {
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
  for (const auto& [name, value] : Sorted(fields)) AppendField(name, *value, depth, text);
}

std::string Hex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

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

}  // namespace kchan::cli
