// SPDX-License-Identifier: Apache-2.0
// Constants, enumerations and structures of a spec.
#include <limits>
#include <set>

#include "bridge/netlink/spec/integer_value.h"
#include "bridge/netlink/spec/spec_builder.h"
#include "bridge/text/concat.h"

namespace kchan::netlink {
namespace {

constexpr int kMaxStructDepth = 8;
constexpr uint32_t kMaxStructBytes = 65535;  // no attribute is longer

}  // namespace

void SpecBuilder::ReadDefinitions(const YamlNode& root) {
  std::set<std::string> names;
  for (const YamlNode* node : fields_.Maps(root, "definitions")) {
    const std::string name = fields_.RequiredText(*node, "name");
    const std::string type = fields_.RequiredText(*node, "type");
    if (!names.insert(name).second) {
      fields_.Fail(*node, text::Concat("'", name, "' is defined twice"));
    }
    if (type == "const") {
      ReadConstant(*node, name);
    } else if (type == "enum" || type == "flags") {
      EnumSet& set = spec_->enums_.emplace_back();
      set.name = name;
      set.is_flags = type == "flags";
      ReadEnum(*node, &set);
      enums_.emplace(name, &set);
    } else if (type == "struct") {
      Struct& structure = spec_->structs_.emplace_back();
      structure.name = name;
      structs_.emplace(name, DeclaredStruct{node, &structure});
    } else {
      fields_.FailAsUnknown(YamlFields::At(*node, "type"),
                            text::Concat("definition type '", type, "'"));
    }
  }
  for (const auto& [name, declared] : structs_) ReadStruct(declared, /*depth=*/0);
}

// Those that are texts are of no use here.
void SpecBuilder::ReadConstant(const YamlNode& node, const std::string& name) {
  if (const auto number = ParseYamlNumber(fields_.Text(node, "value"))) constants_[name] = *number;
}

void SpecBuilder::ReadEnum(const YamlNode& node, EnumSet* set) {
  set->documentation = fields_.Text(node, "doc");
  int64_t next = fields_.Number(node, "value-start").value_or(0);
  const YamlNode* entries = node.Find("entries");
  if (entries == nullptr) return fields_.Fail(node, "there are no 'entries'");

  std::set<std::string> names;
  for (const YamlNode* item : entries->items) {
    EnumEntry& entry = set->entries.emplace_back();
    if (item->kind == YamlNode::Kind::kMap) {
      entry.name = fields_.RequiredText(*item, "name");
      entry.documentation = fields_.Text(*item, "doc");
      next = fields_.Number(*item, "value").value_or(next);
    } else {
      entry.name = item->text;
    }
    entry.value = next;
    if (!names.insert(entry.name).second || entry.name.empty()) {
      fields_.Fail(*item, text::Concat("entry '", entry.name, "' has no name, or another's"));
    }
    if (set->is_flags && (next < 0 || next > 63)) {
      fields_.Fail(*item, text::Concat("flag '", entry.name, "' is bit ", next, " of 64"));
    }
    if (next == std::numeric_limits<int64_t>::max()) return fields_.Fail(*item, "too large");
    ++next;
  }
}

void SpecBuilder::ReadStruct(const DeclaredStruct& declared, int depth) {
  Struct& structure = *declared.structure;
  if (structure.size_bytes != 0 || !fields_.ok()) return;
  if (depth > kMaxStructDepth) {
    return fields_.Fail(*declared.node, text::Concat("structure '", structure.name,
                                                     "' is within itself, or deeper than ",
                                                     kMaxStructDepth, " others"));
  }
  structure.documentation = fields_.Text(*declared.node, "doc");
  for (const YamlNode* node : fields_.Maps(*declared.node, "members")) {
    structure.members.push_back(ReadMember(*node, depth));
    StructMember& member = structure.members.back();
    member.offset = structure.size_bytes;
    if (structure.Find(member.name) != &member && member.format.type != ValueType::kPad) {
      fields_.Fail(*node, text::Concat("member '", member.name, "' is there twice"));
    }
    structure.size_bytes += member.size_bytes;
    if (structure.size_bytes > kMaxStructBytes) {
      return fields_.Fail(*node, text::Concat("structure '", structure.name, "' is longer than ",
                                              kMaxStructBytes, " bytes"));
    }
  }
  if (structure.members.empty()) {
    fields_.Fail(*declared.node, text::Concat("structure '", structure.name, "' has no members"));
  }
}

StructMember SpecBuilder::ReadMember(const YamlNode& node, int depth) {
  StructMember member;
  member.name = fields_.Name(node);
  member.documentation = fields_.Text(node, "doc");
  ReadFormat(node, &member.format);
  switch (member.format.type) {
    case ValueType::kString:
    case ValueType::kBinary:
    case ValueType::kPad:
      member.nested = RefStruct(node, "struct");
      if (member.nested != nullptr) {
        ReadStruct(structs_.find(member.nested->name)->second, depth + 1);
        member.size_bytes = member.nested->size_bytes;
      } else if (const auto bytes = Limit(node, "len"); bytes && *bytes <= kMaxStructBytes) {
        member.size_bytes = static_cast<uint32_t>(*bytes);
      }
      break;
    default:
      member.size_bytes = static_cast<uint32_t>(IntegerBytes(member.format.type));
  }
  if (member.size_bytes == 0) {
    fields_.Fail(node, text::Concat("member '", member.name, "' has no size"));
  }
  return member;
}

}  // namespace kchan::netlink
