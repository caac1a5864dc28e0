// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/encode_names.h"

#include <linux/netlink.h>

#include <algorithm>
#include <string_view>

#include "bridge/netlink/spec/byte_value.h"
#include "bridge/netlink/spec/reserved_keys.h"
#include "bridge/netlink/spec/suggest.h"
#include "bridge/text/concat.h"

namespace kchan::netlink {
namespace {

using google::protobuf::Value;
using JsonObject = google::protobuf::Struct;

const StructMember* FindMember(const Struct* header, const std::string& name) {
  const StructMember* member = header == nullptr ? nullptr : header->Find(name);
  return member == nullptr || member->format.type == ValueType::kPad ? nullptr : member;
}

absl::Status NoSuchName(const Layout& layout, const std::string& name, const Path& path) {
  std::vector<std::string_view> names;
  if (layout.fixed_header != nullptr) {
    for (const StructMember& member : layout.fixed_header->members) {
      if (member.format.type != ValueType::kPad) names.push_back(member.name);
    }
  }
  if (layout.attributes != nullptr) {
    for (const Attribute& attribute : layout.attributes->attributes) {
      const ValueType type = attribute.format.type;
      if (type != ValueType::kPad && type != ValueType::kUnused) names.push_back(attribute.name);
    }
  }
  return path.Error(text::Concat("no such attribute", layout.attributes == nullptr ? "" : " of ",
                                 layout.attributes == nullptr ? "" : layout.attributes->name, ": ",
                                 Suggest(name, names)));
}

absl::Status SetMembers(const Struct* header, const Value& value, const Path& path,
                        std::string* bytes) {
  if (header == nullptr || !value.has_struct_value()) {
    return path.Error(header == nullptr ? "there is no fixed header" : "must be an object");
  }
  for (const auto& [key, field] : value.struct_value().fields()) {
    const Path at(&path, key);
    const StructMember* member = FindMember(header, key);
    if (member == nullptr) return NoSuchName({header, nullptr}, key, at);
    if (absl::Status status = StoreMember(*member, field, at, bytes); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LevelValues> SortValues(const Layout& layout, const JsonObject& values,
                                       const std::vector<std::string>& also, const Path& path) {
  LevelValues level;
  const Struct* header = layout.fixed_header;
  if (header != nullptr) level.header.resize(NLMSG_ALIGN(size_t{header->size_bytes}));
  for (const auto& [key, value] : values.fields()) {
    const Path at(&path, key);
    const Attribute* attribute =
        layout.attributes == nullptr ? nullptr : layout.attributes->Find(key);
    absl::Status status;
    if (value.kind_case() == Value::kNullValue) {
      continue;
    } else if (std::find(also.begin(), also.end(), key) != also.end()) {
      continue;
    } else if (key == kRawKey) {
      level.raw = &value;
    } else if (key == kHeaderKey) {
      status = SetMembers(header, value, at, &level.header);
    } else if (attribute != nullptr) {
      level.attributes.emplace_back(attribute, &value);
    } else if (const StructMember* member = FindMember(header, key)) {
      status = StoreMember(*member, value, at, &level.header);
    } else {
      status = NoSuchName(layout, key, at);
    }
    if (!status.ok()) return status;
  }
  std::sort(level.attributes.begin(), level.attributes.end(),
            [](const auto& a, const auto& b) { return a.first->number < b.first->number; });
  return level;
}

}  // namespace kchan::netlink
