// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_SPEC_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_SPEC_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/netlink/spec/spec_types.h"

namespace kchan::netlink {

enum class Protocol : uint8_t { kGenetlink, kGenetlinkC, kGenetlinkLegacy, kNetlinkRaw };

std::string_view NameOf(Protocol protocol);

// Which numbers a message is counted by.
enum class Direction : uint8_t { kRequest, kReply, kNotification };

// One of the kernel's YAML netlink specs: what a family's messages mean.
//
// Thread safety: immutable.
class Spec {
 public:
  // Reads YAML. INVALID_ARGUMENT is "LINE: what is wrong and what is wanted";
  // UNIMPLEMENTED names what this version does not support. Any text is safe:
  // its size, its depth and, aliases expanded, its number of nodes are bounded.
  static absl::StatusOr<std::shared_ptr<const Spec>> Parse(std::string_view yaml);

  Spec(const Spec&) = delete;
  Spec& operator=(const Spec&) = delete;

  const std::string& name() const { return name_; }  // such as "ethtool", "rt-link"
  const std::string& documentation() const { return documentation_; }
  Protocol protocol() const { return protocol_; }
  bool is_generic() const { return protocol_ != Protocol::kNetlinkRaw; }
  uint8_t version() const { return version_; }  // for the generic netlink header
  // The protocol of the socket; of netlink-raw only.
  std::optional<uint8_t> protocol_number() const { return protocol_number_; }

  // As in the spec, reserved ones left out; notifications among them.
  const std::deque<Operation>& operations() const { return operations_; }
  const std::deque<MulticastGroup>& groups() const { return groups_; }
  const std::deque<AttributeSet>& attribute_sets() const { return attribute_sets_; }
  const std::deque<EnumSet>& enums() const { return enums_; }
  const std::deque<Struct>& structs() const { return structs_; }
  const std::deque<SubMessage>& sub_messages() const { return sub_messages_; }

  const Operation* FindOperation(std::string_view operation_name) const;
  const MulticastGroup* FindGroup(std::string_view group_name) const;
  const AttributeSet* FindAttributeSet(std::string_view set_name) const;

  // The operation whose layout a message with this number has (the command of
  // generic netlink, the message's type of netlink-raw); null: not known, and
  // the message is a raw tree.
  //
  // Of a reply to a known request, use that operation instead: several may
  // have the same number. Families notify with numbers that their specs
  // know only as replies, or as requests where both are one space; these are
  // found too.
  const Operation* FindMessage(Direction direction, uint16_t number) const;

 private:
  friend class SpecBuilder;
  Spec() = default;

  std::string name_;
  std::string documentation_;
  Protocol protocol_ = Protocol::kGenetlink;
  uint8_t version_ = 1;
  std::optional<uint8_t> protocol_number_;
  bool is_directional_ = false;
  // Whether a message from the kernel may be read as a request of its number.
  bool requests_look_alike_ = false;

  // Deques, because their elements do not move.
  std::deque<EnumSet> enums_;
  std::deque<Struct> structs_;
  std::deque<AttributeSet> attribute_sets_;
  std::deque<SubMessage> sub_messages_;
  std::deque<Operation> operations_;
  std::deque<MulticastGroup> groups_;
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_SPEC_H_
