// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/encode.h"

#include <linux/netlink.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "bridge/netlink/spec/attribute_walk.h"
#include "bridge/netlink/spec/attribute_writer.h"
#include "bridge/netlink/spec/byte_value.h"
#include "bridge/netlink/spec/encode_names.h"
#include "bridge/netlink/spec/integer_value.h"
#include "bridge/netlink/spec/raw_tree.h"
#include "bridge/netlink/spec/reserved_keys.h"
#include "bridge/netlink/spec/scope.h"
#include "bridge/text/concat.h"

namespace kchan::netlink {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Value;
using JsonObject = google::protobuf::Struct;
using Encoded = absl::StatusOr<std::string>;

constexpr int kMaxDepth = 32;

class Encoder {
 public:
  // Of one level: the fixed header of the layout, and the attributes in
  // `values`. `also` are keys that somebody else reads.
  Encoded Level(const Layout& layout, const JsonObject& values, const Scope* outer, int depth,
                const std::vector<std::string>& also, const Path& path);

 private:
  absl::Status Add(const Attribute& attribute, const Value& value, const Scope& scope, int depth,
                   const Path& path, std::string* out);
  absl::Status AddOne(const Attribute& attribute, const Value& value, const Scope& scope, int depth,
                      const Path& path, std::string* out);
  // The payload.
  Encoded One(const Attribute& attribute, const Value& value, const Scope& scope, int depth,
              const Path& path);

  Encoded Integer(const ValueFormat& format, const ValueChecks& checks, const Value& value,
                  const Path& path);
  Encoded Binary(const Attribute& attribute, const Value& value, const Path& path);
  Encoded Bitfield(const Attribute& attribute, const Value& value, const Path& path);
  Encoded Nest(const AttributeSet* set, const Value& value, const Scope& scope, int depth,
               const std::vector<std::string>& also, const Path& path);
  Encoded IndexedArray(const Attribute& attribute, const Value& value, const Scope& scope,
                       int depth, const Path& path);
  Encoded Element(const Attribute& attribute, const Value& value, const Scope& scope, int depth,
                  const Path& path);
  Encoded NestTypeValue(const Attribute& attribute, const Value& value, const Scope& scope,
                        int depth, const Path& path);
  Encoded SubMessage(const Attribute& attribute, const Value& value, const Scope& scope, int depth,
                     const Path& path);
};

// A number that an attribute's type can be.
absl::StatusOr<uint16_t> NumberOf(const Value& value, const Path& path) {
  constexpr ValueFormat kFormat = {.type = ValueType::kU16};
  ValueChecks checks;
  checks.max = kMaxAttributeNumber;
  const auto number = IntegerOf(kFormat, sizeof(uint16_t), checks, value, path);
  if (!number.ok()) return number.status();
  return static_cast<uint16_t>(*number);
}

absl::Status CheckLength(const ValueChecks& checks, size_t bytes, const Path& path) {
  const auto wrong = [&](std::string_view than, uint32_t limit) {
    return path.Error(text::Concat(bytes, " bytes, but it has ", than, " ", limit));
  };
  if (checks.exact_bytes && bytes != *checks.exact_bytes) {
    return wrong("exactly", *checks.exact_bytes);
  }
  if (checks.min_bytes && bytes < *checks.min_bytes) return wrong("at least", *checks.min_bytes);
  if (checks.max_bytes && bytes > *checks.max_bytes) return wrong("at most", *checks.max_bytes);
  return absl::OkStatus();
}

// Whether its payload is attributes.
bool IsNest(const Attribute& attribute, const Scope& scope) {
  switch (attribute.format.type) {
    case ValueType::kNest:
    case ValueType::kIndexedArray:
    case ValueType::kNestTypeValue:
      return true;
    case ValueType::kSubMessage: {
      const auto format = SelectFormat(attribute, scope);
      return format.ok() && (*format)->attributes != nullptr;
    }
    default:
      return false;
  }
}

Encoded Encoder::Level(const Layout& layout, const JsonObject& values, const Scope* outer,
                       int depth, const std::vector<std::string>& also, const Path& path) {
  if (depth > kMaxDepth) return path.Error("nested too deep");
  const absl::StatusOr<LevelValues> level = SortValues(layout, values, also, path);
  if (!level.ok()) return level.status();

  std::string out = level->header;
  const Scope scope = {&values, outer};
  for (const auto& [attribute, value] : level->attributes) {
    const Path at(&path, attribute->name);
    if (absl::Status status = Add(*attribute, *value, scope, depth, at, &out); !status.ok()) {
      return status;
    }
  }
  if (level->raw == nullptr) return out;
  const Path at(&path, kRawKey);
  if (!level->raw->has_list_value()) return at.Error("must be a list of attributes");
  const absl::StatusOr<RawTree> tree = RawTreeFromValue(level->raw->list_value(), at);
  if (!tree.ok()) return tree.status();
  const Encoded raw = EncodeRawTree(*tree);
  if (!raw.ok()) return at.Error(std::string(raw.status().message()));
  return out + *raw;
}

absl::Status Encoder::Add(const Attribute& attribute, const Value& value, const Scope& scope,
                          int depth, const Path& path, std::string* out) {
  if (!attribute.is_multi || !value.has_list_value()) {
    return AddOne(attribute, value, scope, depth, path, out);
  }
  for (int i = 0; i < value.list_value().values_size(); ++i) {
    const Path item(&path, static_cast<size_t>(i));
    if (absl::Status status =
            AddOne(attribute, value.list_value().values(i), scope, depth, item, out);
        !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Encoder::AddOne(const Attribute& attribute, const Value& value, const Scope& scope,
                             int depth, const Path& path, std::string* out) {
  if (attribute.format.type == ValueType::kFlag) {
    if (value.kind_case() != Value::kBoolValue) return path.Error("must be true or false");
    if (!value.bool_value()) return absl::OkStatus();
  }
  const Encoded payload = One(attribute, value, scope, depth, path);
  if (!payload.ok()) return payload.status();
  return AppendAttribute(attribute.number, IsNest(attribute, scope) ? NLA_F_NESTED : 0, *payload,
                         path, out);
}

Encoded Encoder::One(const Attribute& attribute, const Value& value, const Scope& scope, int depth,
                     const Path& path) {
  switch (attribute.format.type) {
    case ValueType::kFlag:
      return std::string();
    case ValueType::kString: {
      bool is_exact;
      Encoded text = StringOf(value, path, &is_exact);
      if (!text.ok()) return text;
      if (absl::Status status = CheckLength(attribute.checks, text->size(), path); !status.ok()) {
        return status;
      }
      if (!is_exact) text->push_back('\0');
      return text;
    }
    case ValueType::kBinary:
      return Binary(attribute, value, path);
    case ValueType::kBitfield32:
      return Bitfield(attribute, value, path);
    case ValueType::kNest:
      return Nest(attribute.nested, value, scope, depth, {}, path);
    case ValueType::kIndexedArray:
      return IndexedArray(attribute, value, scope, depth, path);
    case ValueType::kNestTypeValue:
      return NestTypeValue(attribute, value, scope, depth, path);
    case ValueType::kSubMessage:
      return SubMessage(attribute, value, scope, depth, path);
    case ValueType::kPad:
    case ValueType::kUnused:
      return path.Error(text::Concat("has no value: it is ", NameOf(attribute.format.type)));
    default:
      return Integer(attribute.format, attribute.checks, value, path);
  }
}

Encoded Encoder::Integer(const ValueFormat& format, const ValueChecks& checks, const Value& value,
                         const Path& path) {
  size_t bytes = IntegerBytes(format.type);
  const absl::StatusOr<uint64_t> bits = IntegerOf(format, bytes, checks, value, path);
  if (!bits.ok()) return bits.status();
  if (bytes == 0) {
    const auto number = static_cast<int64_t>(*bits);
    const bool is_short = IsSigned(format.type) ? number >= std::numeric_limits<int32_t>::min() &&
                                                      number <= std::numeric_limits<int32_t>::max()
                                                : *bits <= std::numeric_limits<uint32_t>::max();
    bytes = is_short ? sizeof(uint32_t) : sizeof(uint64_t);
  }
  return StoreInteger(*bits, bytes, format.byte_order);
}

Encoded Encoder::Binary(const Attribute& attribute, const Value& value, const Path& path) {
  if (attribute.structure != nullptr) return StructOf(*attribute.structure, value, path);
  if (attribute.element == ValueType::kUnused) {
    Encoded bytes = BinaryOf(attribute.format.hint, value, path);
    if (!bytes.ok()) return bytes;
    if (absl::Status status = CheckLength(attribute.checks, bytes->size(), path); !status.ok()) {
      return status;
    }
    return bytes;
  }
  if (!value.has_list_value()) {
    return path.Error(text::Concat("must be a list of ", NameOf(attribute.element)));
  }
  std::string array;
  for (int i = 0; i < value.list_value().values_size(); ++i) {
    const Path item(&path, static_cast<size_t>(i));
    const Encoded element =
        Integer(ElementFormat(attribute), {}, value.list_value().values(i), item);
    if (!element.ok()) return element;
    array += *element;
  }
  return array;
}

Encoded Encoder::Bitfield(const Attribute& attribute, const Value& value, const Path& path) {
  const auto& fields = value.struct_value().fields();
  const auto bits = fields.find("value");
  const auto selector = fields.find("selector");
  if (!value.has_struct_value() || bits == fields.end() || selector == fields.end() ||
      fields.size() != 2) {
    return path.Error("must be an object of 'value' and 'selector', the bits that are meant");
  }
  std::string payload;
  for (const auto& [key, half] : {*bits, *selector}) {
    const Path at(&path, key);
    const Encoded stored = Integer(BitfieldFormat(attribute.format), {}, half, at);
    if (!stored.ok()) return stored;
    payload += *stored;
  }
  return payload;
}

Encoded Encoder::Nest(const AttributeSet* set, const Value& value, const Scope& scope, int depth,
                      const std::vector<std::string>& also, const Path& path) {
  if (!value.has_struct_value()) {
    return path.Error(text::Concat("must be an object, of attributes of ", set->name));
  }
  return Level({.fixed_header = nullptr, .attributes = set}, value.struct_value(), &scope,
               depth + 1, also, path);
}

Encoded Encoder::IndexedArray(const Attribute& attribute, const Value& value, const Scope& scope,
                              int depth, const Path& path) {
  if (!value.has_list_value()) return path.Error("must be a list");
  const bool is_nest = attribute.element == ValueType::kNest;
  std::string array;
  for (int i = 0; i < value.list_value().values_size(); ++i) {
    const Path item(&path, static_cast<size_t>(i));
    const Value* element = &value.list_value().values(i);
    auto number = static_cast<uint16_t>(i + 1);
    const auto& fields = element->struct_value().fields();
    if (const auto index = fields.find(kIndexKey); index != fields.end()) {
      const Path at(&item, kIndexKey);
      const absl::StatusOr<uint16_t> read = NumberOf(index->second, at);
      if (!read.ok()) return read.status();
      number = *read;
      const auto inner = fields.find(kValueKey);
      if (!is_nest && inner == fields.end()) return item.Error("'@index' wants a '@value'");
      if (!is_nest) element = &inner->second;
    }
    const Encoded payload = Element(attribute, *element, scope, depth, item);
    if (!payload.ok()) return payload;
    if (absl::Status status =
            AppendAttribute(number, is_nest ? NLA_F_NESTED : 0, *payload, item, &array);
        !status.ok()) {
      return status;
    }
  }
  return array;
}

Encoded Encoder::Element(const Attribute& attribute, const Value& value, const Scope& scope,
                         int depth, const Path& path) {
  switch (attribute.element) {
    case ValueType::kNest:
      return Nest(attribute.nested, value, scope, depth, {kIndexKey}, path);
    case ValueType::kString: {
      bool is_exact;
      Encoded text = StringOf(value, path, &is_exact);
      if (text.ok() && !is_exact) text->push_back('\0');
      return text;
    }
    case ValueType::kBinary:
      if (attribute.structure != nullptr) return StructOf(*attribute.structure, value, path);
      return BinaryOf(attribute.format.hint, value, path);
    default:
      return Integer(ElementFormat(attribute), {}, value, path);
  }
}

Encoded Encoder::NestTypeValue(const Attribute& attribute, const Value& value, const Scope& scope,
                               int depth, const Path& path) {
  const std::vector<std::string>& names = attribute.type_value_names;
  Encoded payload = Nest(attribute.nested, value, scope, depth, names, path);
  if (!payload.ok()) return payload;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const Path at(&path, *name);
    const auto field = value.struct_value().fields().find(*name);
    if (field == value.struct_value().fields().end()) return at.Error("is not there");
    const absl::StatusOr<uint16_t> number = NumberOf(field->second, at);
    if (!number.ok()) return number.status();
    std::string outer;
    if (absl::Status status = AppendAttribute(*number, NLA_F_NESTED, *payload, at, &outer);
        !status.ok()) {
      return status;
    }
    payload = std::move(outer);
  }
  return payload;
}

Encoded Encoder::SubMessage(const Attribute& attribute, const Value& value, const Scope& scope,
                            int depth, const Path& path) {
  const absl::StatusOr<const SubMessageFormat*> format = SelectFormat(attribute, scope);
  if (!format.ok()) return path.Error(std::string(format.status().message()));
  const Layout layout = {(*format)->fixed_header, (*format)->attributes};
  if (layout.attributes == nullptr && layout.fixed_header != nullptr) {
    return StructOf(*layout.fixed_header, value, path);
  }
  if (!value.has_struct_value()) return path.Error("must be an object");
  return Level(layout, value.struct_value(), &scope, depth + 1, {}, path);
}

}  // namespace

Encoded Encode(const Layout& layout, const JsonObject& values) {
  return Encoder().Level(layout, values, /*outer=*/nullptr, /*depth=*/0, {}, Path());
}

}  // namespace kchan::netlink
