// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/netlink_specification.h"

#include <set>
#include <string>
#include <vector>

namespace kchan::rpc {
namespace {

using netlink::Attribute;
using netlink::AttributeSet;

// What messages consist of. Sets may be inside themselves.
class Parts {
 public:
  void Add(const netlink::Layout& layout) {
    Add(layout.fixed_header);
    Add(layout.attributes);
    while (!sets_to_visit_.empty()) {
      const AttributeSet& set = *sets_to_visit_.back();
      sets_to_visit_.pop_back();
      Add(set.parent);
      for (const Attribute& attribute : set.attributes) Visit(attribute);
    }
  }

  bool Has(const AttributeSet& set) const { return sets_.contains(&set); }
  bool Has(const netlink::EnumSet& set) const { return enums_.contains(&set); }
  bool Has(const netlink::Struct& structure) const { return structs_.contains(&structure); }
  bool Has(const netlink::SubMessage& message) const { return sub_messages_.contains(&message); }

 private:
  void Add(const AttributeSet* set) {
    if (set != nullptr && sets_.insert(set).second) sets_to_visit_.push_back(set);
  }

  // The specification's loader bounds how deep they are.
  void Add(const netlink::Struct* structure) {
    if (structure == nullptr || !structs_.insert(structure).second) return;
    for (const netlink::StructMember& member : structure->members) {
      Add(member.nested);
      Add(member.format.enumeration);
    }
  }

  void Add(const netlink::EnumSet* set) {
    if (set != nullptr) enums_.insert(set);
  }

  void Visit(const Attribute& attribute) {
    Add(attribute.nested);
    Add(attribute.structure);
    Add(attribute.format.enumeration);
    if (attribute.sub_message == nullptr || !sub_messages_.insert(attribute.sub_message).second) {
      return;
    }
    for (const netlink::SubMessageFormat& format : attribute.sub_message->formats) {
      Add(format.fixed_header);
      Add(format.attributes);
    }
  }

  std::set<const AttributeSet*> sets_;
  std::vector<const AttributeSet*> sets_to_visit_;
  std::set<const netlink::EnumSet*> enums_;
  std::set<const netlink::Struct*> structs_;
  std::set<const netlink::SubMessage*> sub_messages_;
};

// Empty for none.
template <typename Part>
std::string NameOf(const Part* part) {
  return part == nullptr ? std::string() : part->name;
}

v1::ByteOrder ToProto(netlink::ByteOrder order) {
  switch (order) {
    case netlink::ByteOrder::kBig:
      return v1::BYTE_ORDER_BIG_ENDIAN;
    case netlink::ByteOrder::kLittle:
      return v1::BYTE_ORDER_LITTLE_ENDIAN;
    case netlink::ByteOrder::kHost:
      break;
  }
  return v1::BYTE_ORDER_UNSPECIFIED;
}

// Of an attribute or a member.
template <typename Proto>
void SetFormat(const netlink::ValueFormat& format, Proto& to) {
  to.set_type(std::string(netlink::NameOf(format.type)));
  to.set_enumeration(NameOf(format.enumeration));
  to.set_enumeration_as_flags(format.enum_as_flags);
  to.set_display_hint(std::string(netlink::NameOf(format.hint)));
  to.set_byte_order(ToProto(format.byte_order));
}

v1::NetlinkAttribute ToProto(const Attribute& from) {
  v1::NetlinkAttribute to;
  to.set_name(from.name);
  to.set_number(from.number);
  SetFormat(from.format, to);
  to.set_multi(from.is_multi);
  if (from.element != netlink::ValueType::kUnused) {
    to.set_element_type(std::string(netlink::NameOf(from.element)));
  }
  to.set_nested_set(NameOf(from.nested));
  to.set_structure(NameOf(from.structure));
  to.set_sub_message(NameOf(from.sub_message));
  to.set_selector(from.selector);
  to.mutable_type_value_names()->Assign(from.type_value_names.begin(), from.type_value_names.end());
  const netlink::ValueChecks& checks = from.checks;
  if (checks.min) to.set_min_value(*checks.min);
  if (checks.max) to.set_max_value(*checks.max);
  if (const auto& bytes = checks.exact_bytes ? checks.exact_bytes : checks.min_bytes) {
    to.set_min_bytes(*bytes);
  }
  if (const auto& bytes = checks.exact_bytes ? checks.exact_bytes : checks.max_bytes) {
    to.set_max_bytes(*bytes);
  }
  to.set_documentation(from.documentation);
  return to;
}

v1::NetlinkAttributeSet ToProto(const AttributeSet& from) {
  v1::NetlinkAttributeSet to;
  to.set_name(from.name);
  to.set_documentation(from.documentation);
  to.set_subset_of(NameOf(from.parent));
  for (const Attribute& attribute : from.attributes) *to.add_attributes() = ToProto(attribute);
  return to;
}

v1::NetlinkEnumeration ToProto(const netlink::EnumSet& from) {
  v1::NetlinkEnumeration to;
  to.set_name(from.name);
  to.set_documentation(from.documentation);
  to.set_flags(from.is_flags);
  for (const netlink::EnumEntry& entry : from.entries) {
    v1::NetlinkEnumerationEntry& to_entry = *to.add_entries();
    to_entry.set_name(entry.name);
    to_entry.set_value(entry.value);
    to_entry.set_documentation(entry.documentation);
  }
  return to;
}

v1::NetlinkStructure ToProto(const netlink::Struct& from) {
  v1::NetlinkStructure to;
  to.set_name(from.name);
  to.set_documentation(from.documentation);
  to.set_size_bytes(from.size_bytes);
  for (const netlink::StructMember& member : from.members) {
    v1::NetlinkMember& to_member = *to.add_members();
    to_member.set_name(member.name);
    SetFormat(member.format, to_member);
    to_member.set_offset(member.offset);
    to_member.set_size_bytes(member.size_bytes);
    to_member.set_structure(NameOf(member.nested));
    to_member.set_documentation(member.documentation);
  }
  return to;
}

v1::NetlinkSubMessage ToProto(const netlink::SubMessage& from) {
  v1::NetlinkSubMessage to;
  to.set_name(from.name);
  for (const netlink::SubMessageFormat& format : from.formats) {
    v1::NetlinkSubMessageFormat& to_format = *to.add_formats();
    to_format.set_value(format.value);
    to_format.set_fixed_header(NameOf(format.fixed_header));
    to_format.set_attribute_set(NameOf(format.attributes));
  }
  return to;
}

void SetExchange(const netlink::Exchange& from, v1::NetlinkExchange& to) {
  to.mutable_request_attributes()->Assign(from.request_attributes.begin(),
                                          from.request_attributes.end());
  to.mutable_reply_attributes()->Assign(from.reply_attributes.begin(), from.reply_attributes.end());
  if (from.reply_id) to.set_reply_command(*from.reply_id);
}

void SetExchanges(const netlink::Operation& from, v1::NetlinkOperation& to) {
  to.set_attribute_set(NameOf(from.layout.attributes));
  to.set_fixed_header(NameOf(from.layout.fixed_header));
  if (from.doit) SetExchange(*from.doit, *to.mutable_do_exchange());
  if (from.dump) SetExchange(*from.dump, *to.mutable_dump_exchange());
}

v1::NetlinkNotification ToNotification(const netlink::Operation& from) {
  v1::NetlinkNotification to;
  to.set_name(from.name);
  to.set_number(*from.notification_id);
  to.set_documentation(from.documentation);
  to.set_attribute_set(NameOf(from.layout.attributes));
  to.set_fixed_header(NameOf(from.layout.fixed_header));
  to.mutable_attributes()->Assign(from.event_attributes.begin(), from.event_attributes.end());
  to.set_notifies(from.notifies);
  to.set_group(from.multicast_group);
  return to;
}

// Those of `from` that are among `parts`.
template <typename From, typename To>
void AddParts(const From& from, const Parts& parts, To& to) {
  for (const auto& each : from) {
    if (parts.Has(each)) *to.Add() = ToProto(each);
  }
}

}  // namespace

void AddSpecification(const netlink::Spec& spec, bool is_whole, v1::DescribeFamilyResponse& to) {
  Parts parts;
  std::set<std::string> operations;
  for (v1::NetlinkOperation& operation : *to.mutable_family()->mutable_operations()) {
    const netlink::Operation* const specified = spec.FindOperation(operation.name());
    if (specified == nullptr) continue;
    SetExchanges(*specified, operation);
    parts.Add(specified->layout);
    operations.insert(specified->name);
  }
  for (const netlink::Operation& operation : spec.operations()) {
    if (!operation.is_notification()) continue;
    if (!is_whole && !operations.contains(operation.notifies)) continue;
    *to.add_notifications() = ToNotification(operation);
    parts.Add(operation.layout);
  }
  AddParts(spec.attribute_sets(), parts, *to.mutable_attribute_sets());
  AddParts(spec.enums(), parts, *to.mutable_enumerations());
  AddParts(spec.structs(), parts, *to.mutable_structures());
  AddParts(spec.sub_messages(), parts, *to.mutable_sub_messages());
}

}  // namespace kchan::rpc
