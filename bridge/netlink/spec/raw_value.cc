// SPDX-License-Identifier: Apache-2.0
// Raw attributes as JSON, and back.
#include <linux/netlink.h>

#include <cmath>
#include <utility>

#include "bridge/netlink/spec/byte_text.h"
#include "bridge/netlink/spec/raw_tree.h"
#include "bridge/text/concat.h"

namespace kchan::netlink {
namespace {

using google::protobuf::ListValue;
using JsonObject = google::protobuf::Struct;
using google::protobuf::Value;

constexpr int kMaxDepth = 32;

absl::StatusOr<RawTree> ReadList(const ListValue& values, int depth, const Path& path);

absl::Status ReadType(const Value& value, const Path& path, uint16_t* number) {
  const double type = value.number_value();
  if (value.kind_case() != Value::kNumberValue || type != std::trunc(type) || type < 0 ||
      type > kMaxAttributeNumber) {
    return path.Error(text::Concat("must be a number from 0 to ", kMaxAttributeNumber));
  }
  *number = static_cast<uint16_t>(type);
  return absl::OkStatus();
}

absl::Status ReadBytes(const Value& value, const Path& path, std::string* bytes) {
  const auto parsed = ParseHexText(value.string_value());
  if (value.kind_case() != Value::kStringValue || !parsed) {
    return path.Error("must be bytes in hexadecimal such as 0a00ff");
  }
  *bytes = *parsed;
  return absl::OkStatus();
}

absl::Status ReadBool(const Value& value, const Path& path, bool* is_set) {
  if (value.kind_case() != Value::kBoolValue) return path.Error("must be true or false");
  *is_set = value.bool_value();
  return absl::OkStatus();
}

absl::Status ReadChildren(const Value& value, int depth, const Path& path,
                          RawAttribute* attribute) {
  if (!value.has_list_value()) return path.Error("must be a list of attributes");
  absl::StatusOr<RawTree> tree = ReadList(value.list_value(), depth + 1, path);
  if (!tree.ok()) return tree.status();
  if (!tree->rest.empty()) return path.Error("what is no attribute cannot be in one");
  attribute->children = std::move(tree->attributes);
  return absl::OkStatus();
}

absl::Status ReadField(const std::string& key, const Value& value, int depth, const Path& path,
                       RawAttribute* attribute) {
  if (key == "type") return ReadType(value, path, &attribute->number);
  if (key == "bytes") return ReadBytes(value, path, &attribute->bytes);
  if (key == "attributes") return ReadChildren(value, depth, path, attribute);
  if (key == "nested") return ReadBool(value, path, &attribute->is_nested);
  if (key == "net-byte-order") return ReadBool(value, path, &attribute->is_big_endian);
  // What Decode() only remarks.
  if (key == "name" || key == "why" || key == "guess") return absl::OkStatus();
  return path.Error("no such key: there are type, bytes or attributes, nested and net-byte-order");
}

absl::StatusOr<RawAttribute> ReadAttribute(const JsonObject& fields, int depth, const Path& path) {
  RawAttribute attribute;
  attribute.is_nested = fields.fields().contains("attributes");
  for (const auto& [key, value] : fields.fields()) {
    const Path at(&path, key);
    if (absl::Status status = ReadField(key, value, depth, at, &attribute); !status.ok()) {
      return status;
    }
  }
  if (!attribute.bytes.empty() && !attribute.children.empty()) {
    return path.Error("bytes and attributes: only one of them can be the payload");
  }
  return attribute;
}

absl::StatusOr<RawTree> ReadList(const ListValue& values, int depth, const Path& path) {
  if (depth == kMaxDepth) return path.Error("too deep");
  RawTree tree;
  for (int i = 0; i < values.values_size(); ++i) {
    const Path at(&path, static_cast<size_t>(i));
    if (!tree.rest.empty()) return at.Error("behind bytes that are no attribute");
    if (!values.values(i).has_struct_value()) return at.Error("must be an object with 'type'");
    const JsonObject& fields = values.values(i).struct_value();
    absl::StatusOr<RawAttribute> attribute = ReadAttribute(fields, depth, at);
    if (!attribute.ok()) return attribute.status();
    if (fields.fields().contains("type")) {
      tree.attributes.push_back(*std::move(attribute));
    } else if (attribute->bytes.empty()) {
      return at.Error("neither 'type' nor 'bytes'");
    } else {
      tree.rest = std::move(attribute->bytes);
    }
  }
  return tree;
}

}  // namespace

JsonObject RawAttributeToValue(const RawAttribute& attribute) {
  JsonObject value;
  auto& fields = *value.mutable_fields();
  fields["type"].set_number_value(attribute.number);
  if (attribute.is_big_endian) fields["net-byte-order"].set_bool_value(true);
  // The bytes of a true nest say nothing that its attributes do not.
  const bool is_nest =
      attribute.is_nested && (!attribute.children.empty() || attribute.bytes.empty());
  if (attribute.is_nested && !is_nest) fields["nested"].set_bool_value(true);
  if (!is_nest) fields["bytes"].set_string_value(HexText(attribute.bytes));
  if (is_nest || !attribute.children.empty()) {
    ListValue& list = *fields[is_nest ? "attributes" : "guess"].mutable_list_value();
    for (const RawAttribute& child : attribute.children) {
      *list.add_values()->mutable_struct_value() = RawAttributeToValue(child);
    }
  }
  return value;
}

ListValue RawTreeToValue(const RawTree& tree) {
  ListValue list;
  for (const RawAttribute& attribute : tree.attributes) {
    *list.add_values()->mutable_struct_value() = RawAttributeToValue(attribute);
  }
  if (!tree.rest.empty()) {
    auto& fields = *list.add_values()->mutable_struct_value()->mutable_fields();
    fields["bytes"].set_string_value(HexText(tree.rest));
    fields["why"].set_string_value("no attribute");
  }
  return list;
}

absl::StatusOr<RawTree> RawTreeFromValue(const ListValue& values, const Path& path) {
  return ReadList(values, /*depth=*/0, path);
}

}  // namespace kchan::netlink
