// SPDX-License-Identifier: Apache-2.0
#include "netlink_operation_text.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netlink_family_text.h"
#include "output.h"

namespace kchan::cli {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

// What the daemon says may be nested deeper than anything that is of use.
constexpr size_t kMaxDepth = 16;

template <typename Part>
const Part* FindByName(const google::protobuf::RepeatedPtrField<Part>& parts,
                       const std::string& name) {
  const auto at =
      std::find_if(parts.begin(), parts.end(), [&](const Part& p) { return p.name() == name; });
  return at == parts.end() ? nullptr : &*at;
}

bool IsEqual(const Names& a, const Names& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// An attribute's or a member's values, as far as both have them.
template <typename Proto>
std::string ValuesOf(const Proto& from) {
  std::string text;
  if (!from.enumeration().empty()) {
    absl::StrAppend(&text, from.enumeration_as_flags() ? ", any of " : ", one of ",
                    Safe(from.enumeration()));
  }
  if (!from.display_hint().empty()) absl::StrAppend(&text, ", ", Safe(from.display_hint()));
  return text;
}

// By the specification.
std::string LimitsOf(const v1::NetlinkAttribute& attribute) {
  std::string text;
  if (attribute.has_min_value()) absl::StrAppend(&text, ", at least ", attribute.min_value());
  if (attribute.has_max_value()) absl::StrAppend(&text, ", at most ", attribute.max_value());
  if (attribute.has_min_bytes()) absl::StrAppend(&text, ", at least ", attribute.min_bytes(), " B");
  if (attribute.has_max_bytes()) absl::StrAppend(&text, ", at most ", attribute.max_bytes(), " B");
  return text;
}

class OperationText {
 public:
  OperationText(const v1::DescribeFamilyResponse& described, const v1::NetlinkOperation& operation)
      : described_(described), operation_(operation) {}

  std::string Make() {
    text_ = absl::StrCat(Safe(described_.family().name()), " ",
                         operation_.name().empty() ? "operation" : Safe(operation_.name()),
                         " (number ", operation_.number(), ")\n");
    AddFact("what it does", InOneLine(operation_.documentation()));
    AddFact("can", ModesText(operation_));
    AddFact("who", PrivilegeText(operation_.privilege()));
    AddFact("notifies by", Notifications());
    if (!operation_.has_do_exchange() && !operation_.has_dump_exchange()) {
      return text_ + PoliciesText(described_);
    }
    if (operation_.has_do_exchange()) AddDo();
    if (operation_.has_dump_exchange()) AddDump();
    AddValues();
    return std::move(text_);
  }

 private:
  void AddFact(std::string_view name, const std::string& value) {
    if (value.empty()) return;
    absl::StrAppend(&text_, "  ", std::string(name), std::string(14 - name.size(), ' '), value,
                    "\n");
  }

  std::string Notifications() const {
    return absl::StrJoin(described_.notifications(), ", ",
                         [](std::string* out, const v1::NetlinkNotification& each) {
                           absl::StrAppend(out, Safe(each.name()));
                           if (!each.group().empty()) {
                             absl::StrAppend(out, " (group ", Safe(each.group()), ")");
                           }
                         });
  }

  void AddDo() {
    const v1::NetlinkExchange& exchange = operation_.do_exchange();
    AddRequest("do", exchange.request_attributes(),
               operation_.has_do_policy() ? std::optional(operation_.do_policy()) : std::nullopt);
    AddReply("do", exchange);
  }

  void AddDump() {
    const v1::NetlinkExchange& exchange = operation_.dump_exchange();
    const v1::NetlinkExchange& other = operation_.do_exchange();
    if (operation_.has_do_exchange() &&
        IsEqual(exchange.request_attributes(), other.request_attributes())) {
      absl::StrAppend(&text_, "\nRequest of dump: as of do\n");
    } else {
      AddRequest(
          "dump", exchange.request_attributes(),
          operation_.has_dump_policy() ? std::optional(operation_.dump_policy()) : std::nullopt);
    }
    if (operation_.has_do_exchange() &&
        IsEqual(exchange.reply_attributes(), other.reply_attributes())) {
      absl::StrAppend(&text_, "\nReply of dump: as of do, for each\n");
    } else {
      AddReply("dump", exchange);
    }
  }

  void AddRequest(std::string_view mode, const Names& names, std::optional<uint32_t> policy) {
    absl::StrAppend(&text_, "\nRequest of ", std::string(mode), ":",
                    AttributesText(names, FindPolicy(policy)));
  }

  void AddReply(std::string_view mode, const v1::NetlinkExchange& exchange) {
    absl::StrAppend(&text_, "\nReply of ", std::string(mode), ":",
                    exchange.has_reply_command()
                        ? AttributesText(exchange.reply_attributes(), nullptr)
                        : " only an acknowledgement\n");
  }

  // A fixed header's members, and these attributes.
  std::string AttributesText(const Names& names, const v1::NetlinkPolicy* policy) {
    rows_ = Table();
    rows_.Add({"  ATTRIBUTE", "TYPE", "WHAT IT IS"});
    const bool is_empty = operation_.fixed_header().empty() && names.empty();
    if (is_empty) return " no attributes\n";
    AddMembers(operation_.fixed_header(), 1);
    const v1::NetlinkAttributeSet* const set =
        FindByName(described_.attribute_sets(), operation_.attribute_set());
    for (const std::string& name : names) {
      const v1::NetlinkAttribute* const attribute = FindAttribute(set, name);
      if (attribute != nullptr) AddAttribute(*attribute, policy, 1);
    }
    return "\n" + rows_.ToString();
  }

  void AddAttribute(const v1::NetlinkAttribute& attribute, const v1::NetlinkPolicy* policy,
                    size_t depth) {
    if (attribute.type() == "pad" || attribute.type() == "unused") return;
    const v1::NetlinkAttributePolicy* const checked = FindPolicy(policy, attribute.number());
    const std::string limits = checked != nullptr  ? LimitsText(*checked)
                               : policy == nullptr ? LimitsOf(attribute)
                                                   : ", not taken by this kernel";
    const v1::NetlinkAttributeSet* const inside =
        FindByName(described_.attribute_sets(), attribute.nested_set());
    const bool is_known = inside != nullptr && shown_.contains(inside->name());
    rows_.Add({std::string(2 * depth, ' ') + Safe(attribute.name()),
               absl::StrCat(TypeText(attribute), limits, is_known ? ", as above" : ""),
               InOneLine(attribute.documentation())});
    Mention(attribute.enumeration());
    AddMembers(attribute.structure(), depth + 1);
    AddFormats(attribute, depth + 1);
    if (inside == nullptr || is_known) return;
    AddSet(*inside,
           checked != nullptr && checked->has_nested_policy() ? FindPolicy(checked->nested_policy())
                                                              : nullptr,
           depth + 1);
  }

  void AddSet(const v1::NetlinkAttributeSet& set, const v1::NetlinkPolicy* policy, size_t depth) {
    if (depth > kMaxDepth || !shown_.insert(set.name()).second) return;
    for (const v1::NetlinkAttribute& attribute : set.attributes()) {
      AddAttribute(attribute, policy, depth);
    }
  }

  static std::string TypeText(const v1::NetlinkAttribute& attribute) {
    std::string text = Safe(attribute.type());
    if (!attribute.element_type().empty()) {
      absl::StrAppend(&text, " of ", Safe(attribute.element_type()));
    }
    if (!attribute.structure().empty()) absl::StrAppend(&text, " ", Safe(attribute.structure()));
    if (!attribute.type_value_names().empty()) {
      absl::StrAppend(&text, " by ", Safe(absl::StrJoin(attribute.type_value_names(), ", ")));
    }
    if (!attribute.selector().empty()) {
      absl::StrAppend(&text, " by ", Safe(attribute.selector()));
    }
    return absl::StrCat(text, ValuesOf(attribute), attribute.multi() ? ", many" : "");
  }

  void AddMembers(const std::string& structure, size_t depth) {
    const v1::NetlinkStructure* const found = FindByName(described_.structures(), structure);
    if (found == nullptr || depth > kMaxDepth || !structures_shown_.insert(structure).second)
      return;
    for (const v1::NetlinkMember& member : found->members()) {
      if (member.type() == "pad") continue;
      rows_.Add({std::string(2 * depth, ' ') + Safe(member.name()),
                 absl::StrCat(Safe(member.type()), member.structure().empty() ? "" : " ",
                              Safe(member.structure()), ValuesOf(member)),
                 InOneLine(member.documentation())});
      Mention(member.enumeration());
      AddMembers(member.structure(), depth + 1);
    }
  }

  void AddFormats(const v1::NetlinkAttribute& attribute, size_t depth) {
    const v1::NetlinkSubMessage* const message =
        FindByName(described_.sub_messages(), attribute.sub_message());
    if (message == nullptr || depth > kMaxDepth || !formats_shown_.insert(message->name()).second) {
      return;
    }
    for (const v1::NetlinkSubMessageFormat& format : message->formats()) {
      rows_.Add({absl::StrCat(std::string(2 * depth, ' '), "(", Safe(attribute.selector()), " ",
                              Safe(format.value()), ")"),
                 shown_.contains(format.attribute_set()) ? "as above" : ""});
      AddMembers(format.fixed_header(), depth + 1);
      const v1::NetlinkAttributeSet* const set =
          FindByName(described_.attribute_sets(), format.attribute_set());
      if (set != nullptr) AddSet(*set, nullptr, depth + 1);
    }
  }

  void Mention(const std::string& enumeration) {
    if (std::find(mentioned_.begin(), mentioned_.end(), enumeration) == mentioned_.end()) {
      mentioned_.push_back(enumeration);
    }
  }

  // What the values of the attributes that have been shown are called.
  void AddValues() {
    for (const std::string& name : mentioned_) {
      const v1::NetlinkEnumeration* const found = FindByName(described_.enumerations(), name);
      if (found == nullptr) continue;
      absl::StrAppend(&text_, "\n", Safe(name), ":");
      const bool is_documented = std::any_of(
          found->entries().begin(), found->entries().end(),
          [](const v1::NetlinkEnumerationEntry& each) { return !each.documentation().empty(); });
      Table entries;
      std::vector<std::string> names;
      for (const v1::NetlinkEnumerationEntry& each : found->entries()) {
        names.push_back(absl::StrCat(Safe(each.name()), "=", each.value()));
        entries.Add({"  " + names.back(), InOneLine(each.documentation())});
      }
      absl::StrAppend(&text_, is_documented ? "\n" + entries.ToString()
                                            : absl::StrCat(" ", absl::StrJoin(names, ", "), "\n"));
    }
  }

  // Of the set, or of that which it is a part of.
  const v1::NetlinkAttribute* FindAttribute(const v1::NetlinkAttributeSet* set,
                                            const std::string& name) const {
    if (set == nullptr) return nullptr;
    if (const auto* found = FindByName(set->attributes(), name)) return found;
    const auto* parent = FindByName(described_.attribute_sets(), set->subset_of());
    return parent == nullptr ? nullptr : FindByName(parent->attributes(), name);
  }

  const v1::NetlinkPolicy* FindPolicy(std::optional<uint32_t> id) const {
    const auto& all = described_.policies();
    const auto at = std::find_if(all.begin(), all.end(),
                                 [&](const v1::NetlinkPolicy& each) { return id == each.id(); });
    return at == all.end() ? nullptr : &*at;
  }

  static const v1::NetlinkAttributePolicy* FindPolicy(const v1::NetlinkPolicy* policy,
                                                      uint32_t number) {
    if (policy == nullptr) return nullptr;
    const auto& all = policy->attributes();
    const auto at = std::find_if(all.begin(), all.end(), [&](const v1::NetlinkAttributePolicy& p) {
      return p.number() == number;
    });
    return at == all.end() ? nullptr : &*at;
  }

  const v1::DescribeFamilyResponse& described_;
  const v1::NetlinkOperation& operation_;
  std::string text_;
  Table rows_;
  std::set<std::string> shown_;  // attribute sets
  std::set<std::string> structures_shown_;
  std::set<std::string> formats_shown_;
  std::vector<std::string> mentioned_;  // enumerations
};

}  // namespace

std::string OperationsText(const v1::DescribeFamilyResponse& described) {
  std::string text;
  for (const v1::NetlinkOperation& operation : described.family().operations()) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", OperationText(described, operation).Make());
  }
  return text;
}

}  // namespace kchan::cli
