// SPDX-License-Identifier: Apache-2.0
#include "random_values.h"

#include <algorithm>
#include <utility>

#include "bridge/netlink/spec/byte_text.h"
#include "bridge/netlink/spec/byte_value.h"
#include "bridge/netlink/spec/integer_value.h"
#include "bridge/netlink/spec/reserved_keys.h"
#include "bridge/netlink/spec/scope.h"

namespace kchan::netlink {
namespace {

using google::protobuf::Value;
using JsonObject = google::protobuf::Struct;

constexpr int kMaxDepth = 4;

bool IsEmpty(ValueType type) { return type == ValueType::kPad || type == ValueType::kUnused; }

}  // namespace

void RandomValues::Add(const AttributeSet& set, const Attribute& attribute, int depth,
                       JsonObject* values) {
  if (IsEmpty(attribute.format.type) || values->fields().contains(attribute.name)) return;
  Value value;
  if (attribute.is_multi) {
    for (uint64_t i = 0; i <= Below(3); ++i) {
      *value.mutable_list_value()->add_values() = One(set, attribute, depth, values);
    }
  } else {
    value = One(set, attribute, depth, values);
  }
  // A sub-message without a format is none.
  if (value.kind_case() != Value::KIND_NOT_SET) (*values->mutable_fields())[attribute.name] = value;
}

Value RandomValues::One(const AttributeSet& set, const Attribute& attribute, int depth,
                        JsonObject* values) {
  Value value;
  switch (attribute.format.type) {
    case ValueType::kString:
      return String(attribute.checks);
    case ValueType::kBinary:
      return Bytes(attribute);
    case ValueType::kFlag:
      value.set_bool_value(true);
      return value;
    case ValueType::kBitfield32: {
      auto& fields = *value.mutable_struct_value()->mutable_fields();
      fields["value"] = Integer(BitfieldFormat(attribute.format), 4, {});
      fields["selector"] = Integer(BitfieldFormat(attribute.format), 4, {});
      return value;
    }
    case ValueType::kNest:
      return Nest(*attribute.nested, depth);
    case ValueType::kNestTypeValue:
      value = Nest(*attribute.nested, depth);
      for (const std::string& name : attribute.type_value_names) {
        (*value.mutable_struct_value()->mutable_fields())[name].set_number_value(
            static_cast<double>(Below(0x4000)));
      }
      return value;
    case ValueType::kIndexedArray:
      return IndexedArray(set, attribute, depth);
    case ValueType::kSubMessage:
      return SubMessage(set, attribute, depth, values);
    default:
      return Integer(attribute.format, IntegerBytes(attribute.format.type), attribute.checks);
  }
}

Value RandomValues::Integer(const ValueFormat& format, size_t bytes, const ValueChecks& checks) {
  // One of no fixed size is as long as it must be.
  if (bytes == 0) bytes = checks.max ? 4 : (Below(2) == 0 ? 4 : 8);
  const bool is_signed = IsSigned(format.type);
  std::string stored = RandomBytes(bytes);
  uint64_t bits = LoadInteger(AsBytes(stored), is_signed, ByteOrder::kHost);
  if (Below(4) == 0) bits = Below(2) == 0 ? 0 : bits >> Below(64);
  const bool is_flags = format.enumeration != nullptr && format.enum_as_flags;
  if (!is_flags && format.enumeration != nullptr && Below(2) == 0) {
    const auto& entries = format.enumeration->entries;
    bits = static_cast<uint64_t>(entries[Below(entries.size())].value);
  }
  if (checks.max) bits = bits % (*checks.max + 1);
  if (checks.min) bits = std::max(bits, static_cast<uint64_t>(*checks.min));
  stored = StoreInteger(bits, bytes, ByteOrder::kHost);
  return IntegerValue(format, bytes, LoadInteger(AsBytes(stored), is_signed, ByteOrder::kHost));
}

Value RandomValues::Nest(const AttributeSet& set, int depth) {
  Value value;
  JsonObject* values = value.mutable_struct_value();
  if (depth == kMaxDepth || set.attributes.empty()) return value;
  for (uint64_t i = 0; i <= Below(4); ++i) {
    Add(set, set.attributes[Below(set.attributes.size())], depth + 1, values);
  }
  return value;
}

Value RandomValues::IndexedArray(const AttributeSet& /*set*/, const Attribute& attribute,
                                 int depth) {
  Value value;
  value.mutable_list_value();
  const uint64_t count = Below(4);
  for (uint64_t i = 0; i < count; ++i) {
    Value element = Element(attribute, depth);
    const uint64_t index = Below(3) == 0 ? Below(0x4000) : i + 1;
    if (index != i + 1) {
      Value with_index;
      if (attribute.element == ValueType::kNest) {
        with_index = std::move(element);
      } else {
        (*with_index.mutable_struct_value()->mutable_fields())[kValueKey] = std::move(element);
      }
      (*with_index.mutable_struct_value()->mutable_fields())[kIndexKey].set_number_value(
          static_cast<double>(index));
      element = std::move(with_index);
    }
    *value.mutable_list_value()->add_values() = std::move(element);
  }
  return value;
}

Value RandomValues::Element(const Attribute& attribute, int depth) {
  switch (attribute.element) {
    case ValueType::kNest:
      return Nest(*attribute.nested, depth);
    case ValueType::kString:
      return String({});
    case ValueType::kBinary:
      return Bytes(attribute);
    default:
      return Integer(ElementFormat(attribute), IntegerBytes(attribute.element), {});
  }
}

Value RandomValues::Bytes(const Attribute& attribute) {
  if (attribute.structure != nullptr) return StructOf(*attribute.structure);
  if (attribute.element != ValueType::kUnused && attribute.element != ValueType::kBinary) {
    return CArray(attribute);
  }
  size_t bytes = Length(attribute.checks);
  switch (attribute.format.hint) {
    case DisplayHint::kIpv4:
    case DisplayHint::kIpv6:
      if (Below(4) != 0) bytes = Below(2) == 0 && !attribute.checks.min_bytes ? 4 : 16;
      break;
    case DisplayHint::kMac:
      bytes = 6;
      break;
    case DisplayHint::kUuid:
      if (Below(4) != 0) bytes = 16;
      break;
    default:
      break;
  }
  return BinaryValue(attribute.format.hint, AsBytes(RandomBytes(bytes)));
}

Value RandomValues::CArray(const Attribute& attribute) {
  Value value;
  value.mutable_list_value();
  const uint64_t count = Below(6);
  for (uint64_t i = 0; i < count; ++i) {
    *value.mutable_list_value()->add_values() =
        Integer(ElementFormat(attribute), IntegerBytes(attribute.element), {});
  }
  return value;
}

Value RandomValues::String(const ValueChecks& checks) {
  // Some of it no text.
  static constexpr const char* kParts[] = {
      "a", "Z9", "-", " ", "\"", "\xc3\xa4", "\xf0\x9f\x90\xa7", "\xff", "\n"};
  std::string text;
  const size_t length = Length(checks);
  while (text.size() < length) {
    const bool is_odd = Below(40) == 0;
    text += kParts[is_odd ? 7 + Below(2) : Below(7)];
  }
  if (checks.max_bytes && text.size() > *checks.max_bytes) text = std::string(length, 'x');
  return StringValue(AsBytes(text));
}

Value RandomValues::StructOf(const Struct& structure) {
  Value value;
  AddMembers(structure, nullptr, value.mutable_struct_value());
  if (Below(8) == 0) {
    (*value.mutable_struct_value()->mutable_fields())[kRestKey].set_string_value(
        HexText(RandomBytes(1 + Below(5))));
  }
  return value;
}

void RandomValues::AddMembers(const Struct& structure, const AttributeSet* taken,
                              JsonObject* values) {
  AddStruct(structure, taken, AsBytes(RandomBytes(structure.size_bytes)), values);
}

Value RandomValues::SubMessage(const AttributeSet& set, const Attribute& attribute, int depth,
                               JsonObject* values) {
  const std::string& selector = attribute.selector;
  const auto& formats = attribute.sub_message->formats;
  auto& fields = *values->mutable_fields();
  std::string chosen = formats[Below(formats.size())].value;
  if (fields.contains(selector)) {
    chosen = fields[selector].string_value();
  } else if (set.Find(selector) != nullptr) {
    fields[selector].set_string_value(chosen);
  } else if (selected_.contains(selector)) {
    chosen = selected_[selector];
  } else {
    return Value();
  }
  const SubMessageFormat* format = attribute.sub_message->Find(chosen);
  if (format == nullptr) return Value();

  const auto outer = selected_;
  selected_[selector] = chosen;
  Value value;
  if (format->attributes == nullptr && format->fixed_header != nullptr) {
    value = StructOf(*format->fixed_header);
  } else if (format->attributes != nullptr) {
    value = Nest(*format->attributes, depth);
    if (format->fixed_header != nullptr) {
      AddMembers(*format->fixed_header, format->attributes, value.mutable_struct_value());
    }
  } else {
    value.mutable_struct_value();
  }
  selected_ = outer;
  return value;
}

std::string RandomValues::RandomBytes(size_t bytes) {
  std::string random(bytes, '\0');
  for (char& byte : random) byte = static_cast<char>(random_());
  return random;
}

size_t RandomValues::Length(const ValueChecks& checks) {
  if (checks.exact_bytes) return *checks.exact_bytes;
  const size_t min = checks.min_bytes.value_or(0);
  const size_t max = checks.max_bytes.value_or(static_cast<uint32_t>(min + 20));
  return min + Below(max - min + 1);
}

}  // namespace kchan::netlink
