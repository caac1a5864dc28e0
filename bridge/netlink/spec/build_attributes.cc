// SPDX-License-Identifier: Apache-2.0
// Attribute sets of a spec.
#include <algorithm>
#include <set>

#include "bridge/netlink/spec/attribute_walk.h"
#include "bridge/netlink/spec/integer_value.h"
#include "bridge/netlink/spec/spec_builder.h"
#include "bridge/text/concat.h"

namespace kchan::netlink {

void SpecBuilder::ReadAttributeSets(const YamlNode& root) {
  const auto nodes = fields_.Maps(root, "attribute-sets");
  for (const YamlNode* node : nodes) {
    AttributeSet& set = spec_->attribute_sets_.emplace_back();
    set.name = fields_.RequiredText(*node, "name");
    set.documentation = fields_.Text(*node, "doc");
    if (!sets_.emplace(set.name, &set).second) {
      fields_.Fail(*node, text::Concat("attribute set '", set.name, "' is there twice"));
    }
  }
  // A subset copies from its parent.
  for (const bool is_subset : {false, true}) {
    auto set = spec_->attribute_sets_.begin();
    for (const YamlNode* node : nodes) {
      set->parent = RefSet(*node, "subset-of");
      if (fields_.ok() && is_subset == (set->parent != nullptr)) ReadAttributeSet(*node, &*set);
      ++set;
    }
  }
  if (fields_.ok()) CheckTypeValueNames(root);
}

// They are keys beside the attributes of the nest.
void SpecBuilder::CheckTypeValueNames(const YamlNode& root) {
  for (const AttributeSet& set : spec_->attribute_sets_) {
    for (const Attribute& attribute : set.attributes) {
      std::set<std::string> names;
      for (const std::string& name : attribute.type_value_names) {
        const bool is_taken =
            attribute.nested != nullptr && attribute.nested->Find(name) != nullptr;
        if (!is_taken && names.insert(name).second) continue;
        fields_.Fail(root, text::Concat("type-value '", name, "' of '", attribute.name,
                                        "' is there twice, or also an attribute"));
      }
    }
  }
}

void SpecBuilder::ReadAttributeSet(const YamlNode& node, AttributeSet* set) {
  if (set->parent != nullptr && set->parent->parent != nullptr) {
    return fields_.Fail(node,
                        text::Concat("attribute set '", set->name, "' is a subset of a subset"));
  }
  int64_t next = 1;
  std::set<std::string> names;
  for (const YamlNode* each : fields_.Maps(node, "attributes")) {
    Attribute attribute;
    const std::string name = fields_.Name(*each);
    if (set->parent != nullptr) {
      const Attribute* in_parent = set->parent->Find(name);
      if (in_parent == nullptr) {
        return fields_.Fail(*each, text::Concat("'", name, "' is not in '", set->parent->name,
                                                "', of which this is a subset"));
      }
      attribute = *in_parent;
    } else {
      next = fields_.Number(*each, "value", 0, kMaxAttributeNumber).value_or(next);
      if (next > kMaxAttributeNumber) return fields_.Fail(*each, "there are no more numbers");
      attribute.number = static_cast<uint16_t>(next++);
    }
    attribute.name = name;
    ReadAttribute(*each, &attribute);
    if (!names.insert(name).second) {
      // A subset may say it twice (devlink's do): it is the same attribute.
      if (set->parent != nullptr) continue;
      return fields_.Fail(*each, text::Concat("attribute '", name, "' is there twice"));
    }
    set->attributes.push_back(std::move(attribute));
  }
  if (!set->IndexByNumber()) {
    fields_.Fail(node, text::Concat("two attributes of '", set->name, "' have one number"));
  }
}

// Of a subset, what is given takes the place of what the parent says.
void SpecBuilder::ReadAttribute(const YamlNode& node, Attribute* attribute) {
  if (const std::string text = fields_.Text(node, "doc"); !text.empty()) {
    attribute->documentation = text;
  }
  const bool is_new = node.Find("type") != nullptr;
  if (is_new) ReadFormat(node, &attribute->format);
  if (node.Find("multi-attr") != nullptr) attribute->is_multi = fields_.Bool(node, "multi-attr");
  if (const AttributeSet* nested = RefSet(node, "nested-attributes")) attribute->nested = nested;
  if (const Struct* structure = RefStruct(node, "struct")) attribute->structure = structure;
  if (const auto element = ReadType(node, "sub-type")) attribute->element = *element;
  if (node.Find("type-value") != nullptr) {
    attribute->type_value_names = fields_.Texts(node, "type-value");
  }
  if (const SubMessage* message = RefSubMessage(node, "sub-message")) {
    attribute->sub_message = message;
    attribute->selector = fields_.RequiredText(node, "selector");
  }
  if (const YamlNode* checks = node.Find("checks")) ReadChecks(*checks, &attribute->checks);
  CheckKind(node, *attribute);
}

// That there is what its type needs, and nothing that it does not allow.
void SpecBuilder::CheckKind(const YamlNode& node, const Attribute& attribute) {
  const auto fail = [&](std::string_view what) {
    fields_.Fail(node, text::Concat("attribute '", attribute.name, "' is ",
                                    NameOf(attribute.format.type), " ", what));
  };
  switch (attribute.format.type) {
    case ValueType::kNest:
      if (attribute.nested == nullptr) fail("without 'nested-attributes'");
      break;
    case ValueType::kNestTypeValue:
      if (attribute.nested == nullptr) fail("without 'nested-attributes'");
      if (attribute.type_value_names.empty()) fail("without 'type-value'");
      if (attribute.type_value_names.size() > 4) fail("with more than 4 of 'type-value'");
      break;
    case ValueType::kIndexedArray:
      if (attribute.element == ValueType::kNest) {
        if (attribute.nested == nullptr) fail("of nests without 'nested-attributes'");
      } else if (!IsInteger(attribute.element) && attribute.element != ValueType::kBinary &&
                 attribute.element != ValueType::kString) {
        fields_.FailAsUnknown(node,
                              text::Concat("attribute '", attribute.name, "' is indexed-array of ",
                                           NameOf(attribute.element)));
      }
      break;
    case ValueType::kSubMessage:
      if (attribute.sub_message == nullptr) fail("without 'sub-message'");
      break;
    case ValueType::kBinary:
      if (attribute.element != ValueType::kUnused && IntegerBytes(attribute.element) == 0) {
        fields_.FailAsUnknown(node, text::Concat("attribute '", attribute.name, "' is binary of ",
                                                 NameOf(attribute.element)));
      }
      break;
    default:
      break;
  }
}

void SpecBuilder::ReadChecks(const YamlNode& node, ValueChecks* checks) {
  const auto bytes = [&](std::string_view key) -> std::optional<uint32_t> {
    const auto limit = Limit(node, key);
    return limit && *limit <= 65535 ? std::optional(static_cast<uint32_t>(*limit)) : std::nullopt;
  };
  if (const auto min = Limit(node, "min")) checks->min = static_cast<int64_t>(*min);
  checks->max = Limit(node, "max");
  checks->min_bytes = bytes("min-len");
  checks->max_bytes = bytes("max-len");
  checks->exact_bytes = bytes("exact-len");
}

std::optional<ValueType> SpecBuilder::ReadType(const YamlNode& node, std::string_view key) {
  const std::string name = fields_.Text(node, key);
  if (name.empty()) return std::nullopt;
  for (int i = 0; i <= static_cast<int>(ValueType::kUnused); ++i) {
    const auto type = static_cast<ValueType>(i);
    if (NameOf(type) == name) return type;
  }
  fields_.FailAsUnknown(YamlFields::At(node, key), text::Concat("type '", name, "'"));
  return std::nullopt;
}

void SpecBuilder::ReadFormat(const YamlNode& node, ValueFormat* format) {
  const auto type = ReadType(node, "type");
  if (!type) return fields_.Fail(node, "there is no 'type'");
  format->type = *type;

  const std::string order = fields_.Text(node, "byte-order");
  if (order == "big-endian") format->byte_order = ByteOrder::kBig;
  if (order == "little-endian") format->byte_order = ByteOrder::kLittle;

  // One that we do not know only looks worse.
  const std::string hint = fields_.Text(node, "display-hint");
  for (int i = 0; i <= static_cast<int>(DisplayHint::kUuid); ++i) {
    if (NameOf(static_cast<DisplayHint>(i)) == hint) format->hint = static_cast<DisplayHint>(i);
  }

  format->enumeration = RefEnum(node, "enum");
  if (format->enumeration != nullptr) {
    format->enum_as_flags = format->enumeration->is_flags || fields_.Bool(node, "enum-as-flags");
  }
}

}  // namespace kchan::netlink
