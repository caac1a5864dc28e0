// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/decode.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/netlink/spec/attribute_walk.h"
#include "bridge/netlink/spec/byte_text.h"
#include "bridge/netlink/spec/byte_value.h"
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
using Bytes = std::span<const std::byte>;

// Nests and arrays cost up to five messages each of the 100 that protobuf reads
// in each other; raw attributes in the deepest nest need some of them.
constexpr int kMaxDepth = 11;

// What one attribute is; an error is why it stays raw.
using Decoded = absl::StatusOr<Value>;

absl::Status Why(const std::string& text) { return absl::InvalidArgumentError(text); }

absl::Status WrongSize(std::string_view type, size_t bytes) {
  return Why(text::Concat(bytes, " bytes are no ", type));
}

class Decoder {
 public:
  // Of one level: the attributes in `bytes`, into `out`.
  void AddAttributes(const AttributeSet* set, Bytes bytes, const Scope* outer, int depth,
                     JsonObject* out);

 private:
  void Add(const Attribute* attribute, const AttributeView& view, const Scope& scope, int depth,
           JsonObject* out);
  Decoded One(const Attribute& attribute, const AttributeView& view, const Scope& scope, int depth);

  Decoded Integer(const ValueFormat& format, ValueType type, const AttributeView& view);
  Decoded Binary(const Attribute& attribute, const AttributeView& view);
  Decoded Array(const Attribute& attribute, const AttributeView& view);
  Decoded Bitfield(const ValueFormat& format, const AttributeView& view);
  Decoded Nest(const AttributeSet* set, Bytes bytes, const Scope& scope, int depth);
  Decoded IndexedArray(const Attribute& attribute, const AttributeView& view, const Scope& scope,
                       int depth);
  Decoded Element(const Attribute& attribute, const AttributeView& item, const Scope& scope,
                  int depth);
  Decoded NestTypeValue(const Attribute& attribute, const AttributeView& view, const Scope& scope,
                        int depth);
  Decoded SubMessage(const Attribute& attribute, const AttributeView& view, const Scope& scope,
                     int depth);
};

ListValue* RawList(JsonObject* out) {
  return (*out->mutable_fields())[kRawKey].mutable_list_value();
}

void AddRaw(const AttributeView& view, const Attribute* attribute, const std::string& why,
            JsonObject* out) {
  JsonObject raw = RawAttributeToValue(ParseRawAttribute(view));
  auto& fields = *raw.mutable_fields();
  if (attribute != nullptr) fields["name"].set_string_value(attribute->name);
  fields["why"].set_string_value(why);
  *RawList(out)->add_values()->mutable_struct_value() = std::move(raw);
}

void AddRawRest(Bytes bytes, const std::string& why, JsonObject* out) {
  auto& fields = *RawList(out)->add_values()->mutable_struct_value()->mutable_fields();
  fields["bytes"].set_string_value(HexText(AsText(bytes)));
  fields["why"].set_string_value(why);
}

// Takes the fixed header, if there is one, off `bytes`. False: they are shorter.
bool AddHeader(const Layout& layout, Bytes* bytes, JsonObject* out) {
  const Struct* header = layout.fixed_header;
  if (header == nullptr) return true;
  if (bytes->size() < header->size_bytes) return false;
  AddStruct(*header, layout.attributes, *bytes, out);
  // Attributes are aligned; of a message without any, the end may not be.
  *bytes = bytes->subspan(std::min<size_t>(NLMSG_ALIGN(size_t{header->size_bytes}), bytes->size()));
  return true;
}

void Decoder::AddAttributes(const AttributeSet* set, Bytes bytes, const Scope* outer, int depth,
                            JsonObject* out) {
  const Scope scope = {out, outer};
  // What selects a sub-message may come behind it.
  std::vector<std::pair<const Attribute*, AttributeView>> sub_messages;
  AttributeWalk walk(bytes);
  AttributeView view;
  while (walk.Next(&view)) {
    const Attribute* attribute = set == nullptr ? nullptr : set->Find(view.number);
    if (attribute != nullptr && attribute->format.type == ValueType::kSubMessage) {
      sub_messages.emplace_back(attribute, view);
    } else {
      Add(attribute, view, scope, depth, out);
    }
  }
  for (const auto& [attribute, each] : sub_messages) Add(attribute, each, scope, depth, out);
  if (!walk.rest().empty()) AddRawRest(walk.rest(), "no attribute", out);
}

void Decoder::Add(const Attribute* attribute, const AttributeView& view, const Scope& scope,
                  int depth, JsonObject* out) {
  if (attribute == nullptr) return AddRaw(view, nullptr, "not in the spec", out);
  if (attribute->format.type == ValueType::kPad && view.payload.empty()) return;
  if (!attribute->is_multi && out->fields().contains(attribute->name)) {
    return AddRaw(view, attribute, "there more than once", out);
  }
  Decoded decoded = One(*attribute, view, scope, depth);
  if (!decoded.ok()) return AddRaw(view, attribute, std::string(decoded.status().message()), out);
  Value& field = (*out->mutable_fields())[attribute->name];
  if (attribute->is_multi) {
    *field.mutable_list_value()->add_values() = *std::move(decoded);
  } else {
    field = *std::move(decoded);
  }
}

Decoded Decoder::One(const Attribute& attribute, const AttributeView& view, const Scope& scope,
                     int depth) {
  switch (attribute.format.type) {
    case ValueType::kString:
      return StringValue(view.payload);
    case ValueType::kBinary:
      return Binary(attribute, view);
    case ValueType::kFlag: {
      if (!view.payload.empty()) return WrongSize("flag", view.payload.size());
      Value value;
      value.set_bool_value(true);
      return value;
    }
    case ValueType::kBitfield32:
      return Bitfield(attribute.format, view);
    case ValueType::kNest:
      return Nest(attribute.nested, view.payload, scope, depth);
    case ValueType::kIndexedArray:
      return IndexedArray(attribute, view, scope, depth);
    case ValueType::kNestTypeValue:
      return NestTypeValue(attribute, view, scope, depth);
    case ValueType::kSubMessage:
      return SubMessage(attribute, view, scope, depth);
    case ValueType::kPad:
    case ValueType::kUnused:
      return Why(text::Concat("the spec has it as ", NameOf(attribute.format.type)));
    default:
      return Integer(attribute.format, attribute.format.type, view);
  }
}

Decoded Decoder::Integer(const ValueFormat& format, ValueType type, const AttributeView& view) {
  const size_t bytes = view.payload.size();
  const size_t wanted = IntegerBytes(type);
  if (wanted == 0 ? bytes != 4 && bytes != 8 : bytes != wanted) {
    return WrongSize(NameOf(type), bytes);
  }
  const ByteOrder order = view.is_big_endian ? ByteOrder::kBig : format.byte_order;
  return IntegerValue(format, bytes, LoadInteger(view.payload, IsSigned(type), order));
}

Decoded Decoder::Binary(const Attribute& attribute, const AttributeView& view) {
  if (attribute.structure != nullptr) return StructValue(*attribute.structure, view.payload);
  if (attribute.element != ValueType::kUnused) return Array(attribute, view);
  return BinaryValue(attribute.format.hint, view.payload);
}

// A C array.
Decoded Decoder::Array(const Attribute& attribute, const AttributeView& view) {
  const size_t bytes = IntegerBytes(attribute.element);
  if (view.payload.size() % bytes != 0) {
    return WrongSize(text::Concat("array of ", NameOf(attribute.element)), view.payload.size());
  }
  const ValueFormat format = ElementFormat(attribute);
  Value value;
  ListValue& list = *value.mutable_list_value();
  for (size_t at = 0; at < view.payload.size(); at += bytes) {
    const uint64_t bits =
        LoadInteger(view.payload.subspan(at, bytes), IsSigned(format.type), format.byte_order);
    *list.add_values() = IntegerValue(format, bytes, bits);
  }
  return value;
}

Decoded Decoder::Bitfield(const ValueFormat& format, const AttributeView& view) {
  constexpr size_t kHalf = sizeof(uint32_t);
  if (view.payload.size() != 2 * kHalf) return WrongSize("bitfield32", view.payload.size());
  Value value;
  auto& fields = *value.mutable_struct_value()->mutable_fields();
  const auto half = [&](size_t at) {
    return IntegerValue(BitfieldFormat(format), kHalf,
                        LoadInteger(view.payload.subspan(at, kHalf), false, format.byte_order));
  };
  fields["value"] = half(0);
  fields["selector"] = half(kHalf);
  return value;
}

Decoded Decoder::Nest(const AttributeSet* set, Bytes bytes, const Scope& scope, int depth) {
  if (depth == kMaxDepth) return Why("nested too deep");
  Value value;
  AddAttributes(set, bytes, &scope, depth + 1, value.mutable_struct_value());
  return value;
}

Decoded Decoder::IndexedArray(const Attribute& attribute, const AttributeView& view,
                              const Scope& scope, int depth) {
  Value value;
  ListValue& list = *value.mutable_list_value();
  AttributeWalk walk(view.payload);
  AttributeView item;
  while (walk.Next(&item)) {
    Decoded element = Element(attribute, item, scope, depth);
    if (!element.ok()) return element;
    const int place = list.values_size() + 1;
    Value* added = list.add_values();
    if (item.number == place) {
      *added = *std::move(element);
      continue;
    }
    // An object takes the index beside what it has.
    if (attribute.element == ValueType::kNest) {
      *added = *std::move(element);
    } else {
      (*added->mutable_struct_value()->mutable_fields())[kValueKey] = *std::move(element);
    }
    (*added->mutable_struct_value()->mutable_fields())[kIndexKey].set_number_value(item.number);
  }
  if (!walk.rest().empty()) return Why("its elements do not fill it");
  return value;
}

Decoded Decoder::Element(const Attribute& attribute, const AttributeView& item, const Scope& scope,
                         int depth) {
  switch (attribute.element) {
    case ValueType::kNest:
      return Nest(attribute.nested, item.payload, scope, depth);
    case ValueType::kString:
      return StringValue(item.payload);
    case ValueType::kBinary:
      if (attribute.structure != nullptr) return StructValue(*attribute.structure, item.payload);
      return BinaryValue(attribute.format.hint, item.payload);
    default:
      return Integer(ElementFormat(attribute), attribute.element, item);
  }
}

// Nests in each other of one attribute each, whose numbers are values.
Decoded Decoder::NestTypeValue(const Attribute& attribute, const AttributeView& view,
                               const Scope& scope, int depth) {
  std::vector<uint16_t> numbers;
  AttributeView inner = view;
  for (size_t i = 0; i < attribute.type_value_names.size(); ++i) {
    AttributeWalk walk(inner.payload);
    if (!walk.Next(&inner) || !walk.rest().empty()) return Why("not one attribute in each nest");
    numbers.push_back(inner.number);
  }
  Decoded value = Nest(attribute.nested, inner.payload, scope, depth);
  if (!value.ok()) return value;
  auto& fields = *value->mutable_struct_value()->mutable_fields();
  for (size_t i = 0; i < numbers.size(); ++i) {
    fields[attribute.type_value_names[i]].set_number_value(numbers[i]);
  }
  return value;
}

Decoded Decoder::SubMessage(const Attribute& attribute, const AttributeView& view,
                            const Scope& scope, int depth) {
  const absl::StatusOr<const SubMessageFormat*> format = SelectFormat(attribute, scope);
  if (!format.ok()) return format.status();
  const Struct* header = (*format)->fixed_header;
  if ((*format)->attributes == nullptr) {
    if (header != nullptr) return StructValue(*header, view.payload);
    if (!view.payload.empty()) return Why("the spec has nothing in it");
    Value value;
    value.mutable_struct_value();
    return value;
  }
  if (depth == kMaxDepth) return Why("nested too deep");
  Value value;
  JsonObject* out = value.mutable_struct_value();
  Bytes bytes = view.payload;
  if (!AddHeader({header, (*format)->attributes}, &bytes, out)) {
    return WrongSize(header->name, bytes.size());
  }
  AddAttributes((*format)->attributes, bytes, &scope, depth + 1, out);
  return value;
}

}  // namespace

JsonObject Decode(const Layout& layout, Bytes bytes) {
  JsonObject out;
  if (!AddHeader(layout, &bytes, &out)) {
    AddRawRest(bytes, text::Concat("shorter than ", layout.fixed_header->name), &out);
    return out;
  }
  Decoder().AddAttributes(layout.attributes, bytes, /*outer=*/nullptr, /*depth=*/0, &out);
  return out;
}

}  // namespace kchan::netlink
