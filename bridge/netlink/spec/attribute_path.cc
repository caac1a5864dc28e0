// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/attribute_path.h"

#include <algorithm>
#include <map>

#include "bridge/netlink/spec/attribute_walk.h"
#include "bridge/netlink/spec/decode.h"
#include "bridge/netlink/spec/scope.h"
#include "bridge/text/concat.h"
#include "google/protobuf/struct.pb.h"

namespace kchan::netlink {
namespace {

using Bytes = std::span<const std::byte>;

constexpr int kMaxDepth = 32;

// An attribute that was found, and what it would hold as a nest.
struct Place {
  std::string path;
  const AttributeSet* inside = nullptr;
};

// What is in the payload of an attribute, as far as it is attributes.
struct Inside {
  enum class Kind : uint8_t { kNothing, kAttributes, kElements } kind = Kind::kNothing;
  const AttributeSet* set = nullptr;
  size_t header_bytes = 0;  // before the attributes
};

std::string NameOf(const AttributeSet* set, uint16_t number) {
  const Attribute* attribute = set == nullptr ? nullptr : set->Find(number);
  return attribute == nullptr ? text::Concat("#", number) : attribute->name;
}

std::string Join(const std::string& outer, const std::string& inner) {
  if (outer.empty() || inner.empty()) return outer + inner;
  return text::Concat(outer, inner.front() == '[' ? "" : ".", inner);
}

size_t HeaderBytes(const Struct* header) {
  return header == nullptr ? 0 : NLMSG_ALIGN(size_t{header->size_bytes});
}

Inside InsideOf(const Attribute* attribute, const AttributeView& view, const Scope& scope) {
  if (attribute == nullptr) {
    return {view.is_nested ? Inside::Kind::kAttributes : Inside::Kind::kNothing, nullptr, 0};
  }
  switch (attribute->format.type) {
    case ValueType::kNest:
      return {Inside::Kind::kAttributes, attribute->nested, 0};
    case ValueType::kNestTypeValue:
      return {Inside::Kind::kAttributes, nullptr, 0};
    case ValueType::kIndexedArray:
      return {Inside::Kind::kElements, attribute->nested, 0};
    case ValueType::kSubMessage: {
      const auto format = SelectFormat(*attribute, scope);
      if (!format.ok() || (*format)->attributes == nullptr) return {};
      return {Inside::Kind::kAttributes, (*format)->attributes,
              HeaderBytes((*format)->fixed_header)};
    }
    default:
      return {};
  }
}

Place Find(const Inside& level, Bytes bytes, size_t offset, const Scope* outer, int depth);

// Where `offset` is in the payload of the attribute at `found`, if it is.
Place Descend(Place found, const Inside& inside, Bytes payload, size_t offset, const Scope& scope,
              int depth) {
  found.inside = inside.set;
  if (inside.kind == Inside::Kind::kNothing || offset < inside.header_bytes) return found;
  if (payload.size() < inside.header_bytes) return found;
  Place deeper = Find(inside, payload.subspan(inside.header_bytes), offset - inside.header_bytes,
                      &scope, depth + 1);
  if (deeper.path.empty()) return found;
  return {Join(found.path, deeper.path), deeper.inside};
}

Place Find(const Inside& level, Bytes bytes, size_t offset, const Scope* outer, int depth) {
  if (depth > kMaxDepth) return {};
  const bool is_array = level.kind == Inside::Kind::kElements;
  // What selects a sub-message may be anywhere in its level.
  const google::protobuf::Struct values =
      is_array ? google::protobuf::Struct() : Decode({nullptr, level.set}, bytes);
  const Scope scope = {&values, outer};
  std::map<uint16_t, size_t> seen;
  size_t place = 0;
  AttributeWalk walk(bytes);
  AttributeView view;
  for (size_t at = 0; walk.Next(&view); at = bytes.size() - walk.rest().size()) {
    const size_t end = bytes.size() - walk.rest().size();
    const size_t before = seen[view.number]++;
    ++place;
    if (offset >= end) continue;
    if (offset < at) break;
    const Attribute* attribute =
        is_array || level.set == nullptr ? nullptr : level.set->Find(view.number);
    Place found;
    Inside inside;
    if (is_array) {
      found.path = text::Concat("[", place - 1, "]");
      inside = {level.set == nullptr ? Inside::Kind::kNothing : Inside::Kind::kAttributes,
                level.set, 0};
    } else {
      found.path = NameOf(level.set, view.number);
      if (attribute != nullptr && attribute->is_multi) found.path += text::Concat("[", before, "]");
      inside = InsideOf(attribute, view, scope);
    }
    if (offset < at + NLA_HDRLEN) {
      found.inside = inside.set;
      return found;
    }
    return Descend(std::move(found), inside, view.payload, offset - at - NLA_HDRLEN, scope, depth);
  }
  return {};
}

Place FindInRequest(const Layout& layout, Bytes request, size_t offset) {
  const size_t header_bytes = HeaderBytes(layout.fixed_header);
  if (offset < header_bytes) {
    for (const StructMember& member : layout.fixed_header->members) {
      if (offset < size_t{member.offset} + member.size_bytes) return {member.name, nullptr};
    }
    return {};
  }
  if (request.size() <= offset) return {};
  const Inside top = {Inside::Kind::kAttributes, layout.attributes, 0};
  return Find(top, request.subspan(header_bytes), offset - header_bytes, /*outer=*/nullptr,
              /*depth=*/0);
}

}  // namespace

std::string PathAt(const Layout& layout, Bytes request, size_t offset) {
  return FindInRequest(layout, request, offset).path;
}

std::string MissingPath(const Layout& layout, Bytes request, uint16_t number,
                        std::optional<size_t> nest_offset) {
  if (!nest_offset) return NameOf(layout.attributes, number);
  const Place nest = FindInRequest(layout, request, *nest_offset);
  return Join(nest.path, NameOf(nest.inside, number));
}

}  // namespace kchan::netlink
