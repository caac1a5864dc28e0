// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/spec_builder.h"

#include <limits>
#include <utility>

#include "bridge/text/concat.h"

namespace kchan::netlink {
namespace {

constexpr std::pair<std::string_view, Protocol> kProtocols[] = {
    {"genetlink", Protocol::kGenetlink},
    {"genetlink-c", Protocol::kGenetlinkC},
    {"genetlink-legacy", Protocol::kGenetlinkLegacy},
    {"netlink-raw", Protocol::kNetlinkRaw},
};

std::optional<uint64_t> NamedLimit(std::string_view name) {
  static const std::map<std::string_view, uint64_t> kLimits = {
      {"u8-max", std::numeric_limits<uint8_t>::max()},
      {"u16-max", std::numeric_limits<uint16_t>::max()},
      {"u32-max", std::numeric_limits<uint32_t>::max()},
      {"u64-max", std::numeric_limits<uint64_t>::max()},
      {"s8-max", std::numeric_limits<int8_t>::max()},
      {"s16-max", std::numeric_limits<int16_t>::max()},
      {"s32-max", std::numeric_limits<int32_t>::max()},
      {"s64-max", std::numeric_limits<int64_t>::max()},
      {"s8-min", std::numeric_limits<int8_t>::min()},
      {"s16-min", std::numeric_limits<int16_t>::min()},
      {"s32-min", std::numeric_limits<int32_t>::min()},
      {"s64-min", std::numeric_limits<int64_t>::min()},
  };
  const auto found = kLimits.find(name);
  return found == kLimits.end() ? std::nullopt : std::optional(found->second);
}

template <typename Map>
typename Map::mapped_type Ref(const YamlNode& map, std::string_view key, const Map& declared,
                              YamlFields* fields) {
  const std::string name = fields->Text(map, key);
  if (name.empty()) return {};
  const auto found = declared.find(name);
  if (found != declared.end()) return found->second;
  fields->Fail(YamlFields::At(map, key),
               text::Concat("'", key, "' is '", name, "', which is not defined"));
  return {};
}

}  // namespace

std::string_view NameOf(Protocol protocol) {
  for (const auto& [name, each] : kProtocols) {
    if (each == protocol) return name;
  }
  return "";
}

absl::StatusOr<std::shared_ptr<const Spec>> SpecBuilder::Build(const YamlNode& root) {
  SpecBuilder builder;
  if (root.kind != YamlNode::Kind::kMap) {
    builder.fields_.Fail(root, "no netlink spec: it must be a map with 'name' and 'operations'");
  }
  for (const auto read :
       {&SpecBuilder::ReadHead, &SpecBuilder::ReadDefinitions, &SpecBuilder::DeclareSubMessages,
        &SpecBuilder::ReadAttributeSets, &SpecBuilder::ReadSubMessages,
        &SpecBuilder::ReadOperations, &SpecBuilder::ReadGroups}) {
    if (builder.fields_.ok()) (builder.*read)(root);
  }
  if (!builder.fields_.ok()) return builder.fields_.status();
  return builder.spec_;
}

void SpecBuilder::ReadHead(const YamlNode& root) {
  spec_->name_ = fields_.RequiredText(root, "name");
  spec_->documentation_ = fields_.Text(root, "doc");
  spec_->version_ = static_cast<uint8_t>(fields_.Number(root, "version", 0, 255).value_or(1));

  std::string protocol = fields_.Text(root, "protocol");
  if (protocol.empty()) protocol = "genetlink";
  bool is_known = false;
  for (const auto& [name, each] : kProtocols) {
    if (name != protocol) continue;
    spec_->protocol_ = each;
    is_known = true;
  }
  if (!is_known)
    fields_.FailAsUnknown(YamlFields::At(root, "protocol"),
                          text::Concat("protocol '", protocol, "'"));

  if (const auto number = fields_.Number(root, "protonum", 0, 255)) {
    spec_->protocol_number_ = static_cast<uint8_t>(*number);
  } else if (!spec_->is_generic()) {
    fields_.Fail(root, "netlink-raw without 'protonum'");
  }
}

void SpecBuilder::DeclareSubMessages(const YamlNode& root) {
  for (const YamlNode* node : fields_.Maps(root, "sub-messages")) {
    SubMessage& sub_message = spec_->sub_messages_.emplace_back();
    sub_message.name = fields_.RequiredText(*node, "name");
    if (!sub_messages_.emplace(sub_message.name, &sub_message).second) {
      fields_.Fail(*node, text::Concat("sub-message '", sub_message.name, "' is there twice"));
    }
  }
}

void SpecBuilder::ReadSubMessages(const YamlNode& root) {
  auto sub_message = spec_->sub_messages_.begin();
  for (const YamlNode* node : fields_.Maps(root, "sub-messages")) {
    for (const YamlNode* format : fields_.Maps(*node, "formats")) {
      sub_message->formats.push_back({.value = fields_.RequiredText(*format, "value"),
                                      .fixed_header = RefStruct(*format, "fixed-header"),
                                      .attributes = RefSet(*format, "attribute-set")});
    }
    ++sub_message;
  }
}

void SpecBuilder::ReadGroups(const YamlNode& root) {
  const YamlNode* groups = root.Find("mcast-groups");
  if (groups == nullptr) return;
  for (const YamlNode* node : fields_.Maps(*groups, "list")) {
    MulticastGroup& group = spec_->groups_.emplace_back();
    group.name = fields_.RequiredText(*node, "name");
    const auto number = fields_.Number(*node, "value", 0, std::numeric_limits<uint32_t>::max());
    if (number) group.number = static_cast<uint32_t>(*number);
  }
}

std::optional<uint64_t> SpecBuilder::Limit(const YamlNode& map, std::string_view key) {
  const std::string text = fields_.Text(map, key);
  if (text.empty()) return std::nullopt;
  if (const auto number = ParseYamlNumber(text)) return *number;
  if (const auto limit = NamedLimit(text)) return limit;
  if (const auto found = constants_.find(text); found != constants_.end()) return found->second;
  fields_.Fail(YamlFields::At(map, key),
               text::Concat("'", key, "' is '", text, "': no number, no constant"));
  return std::nullopt;
}

const EnumSet* SpecBuilder::RefEnum(const YamlNode& map, std::string_view key) {
  return Ref(map, key, enums_, &fields_);
}
const Struct* SpecBuilder::RefStruct(const YamlNode& map, std::string_view key) {
  return Ref(map, key, structs_, &fields_).structure;
}
const AttributeSet* SpecBuilder::RefSet(const YamlNode& map, std::string_view key) {
  return Ref(map, key, sets_, &fields_);
}
const SubMessage* SpecBuilder::RefSubMessage(const YamlNode& map, std::string_view key) {
  return Ref(map, key, sub_messages_, &fields_);
}

}  // namespace kchan::netlink
