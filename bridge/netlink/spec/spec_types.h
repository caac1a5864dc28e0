// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_SPEC_TYPES_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_SPEC_TYPES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The parts of a netlink spec, as the kernel's Documentation/netlink describes
// them. All belong to one `Spec`, which never changes; pointers between them
// are valid as long as it.
namespace kchan::netlink {

struct AttributeSet;

// One value of an enumeration. Of flags, and of an enumeration that is used
// as flags, `value` is the number of the bit.
struct EnumEntry {
  std::string name;
  std::string documentation;
  int64_t value = 0;
};

struct EnumSet {
  std::string name;
  std::string documentation;
  bool is_flags = false;
  std::vector<EnumEntry> entries;

  const EnumEntry* Find(std::string_view entry_name) const;
  const EnumEntry* Find(int64_t value) const;
};

enum class ValueType : uint8_t {
  kU8,
  kU16,
  kU32,
  kU64,
  kS8,
  kS16,
  kS32,
  kS64,
  kUint,  // 4 or 8 bytes
  kSint,
  kString,
  kBinary,
  kFlag,
  kBitfield32,
  kNest,
  kIndexedArray,
  kNestTypeValue,
  kSubMessage,
  kPad,
  kUnused,
};

enum class ByteOrder : uint8_t { kHost, kBig, kLittle };
enum class DisplayHint : uint8_t { kNone, kHex, kMac, kIpv4, kIpv6, kUuid };

// The spec's own word for it, such as "u32".
std::string_view NameOf(ValueType type);
std::string_view NameOf(DisplayHint hint);

bool IsInteger(ValueType type);
bool IsSigned(ValueType type);

// How an integer, or bytes, are written and shown.
struct ValueFormat {
  ValueType type = ValueType::kUnused;
  ByteOrder byte_order = ByteOrder::kHost;
  DisplayHint hint = DisplayHint::kNone;
  const EnumSet* enumeration = nullptr;
  bool enum_as_flags = false;  // also if the enumeration is flags
};

struct Struct;

struct StructMember {
  std::string name;
  std::string documentation;
  ValueFormat format;              // an integer, string, binary or pad
  const Struct* nested = nullptr;  // of binary
  uint32_t offset = 0;
  uint32_t size_bytes = 0;
};

// A C structure, without any padding that is not a member.
struct Struct {
  std::string name;
  std::string documentation;
  std::vector<StructMember> members;
  uint32_t size_bytes = 0;

  const StructMember* Find(std::string_view member_name) const;
};

// What the kernel checks in a request, as far as the spec says.
struct ValueChecks {
  std::optional<int64_t> min;
  std::optional<uint64_t> max;
  std::optional<uint32_t> min_bytes;
  std::optional<uint32_t> max_bytes;
  std::optional<uint32_t> exact_bytes;
};

// A format of a sub-message: what follows where its selector has this value.
struct SubMessageFormat {
  std::string value;
  const Struct* fixed_header = nullptr;
  const AttributeSet* attributes = nullptr;
};

struct SubMessage {
  std::string name;
  std::vector<SubMessageFormat> formats;

  const SubMessageFormat* Find(std::string_view value) const;
};

struct Attribute {
  std::string name;
  std::string documentation;
  uint16_t number = 0;
  ValueFormat format;
  bool is_multi = false;                      // may be there many times
  ValueType element = ValueType::kUnused;     // of indexed-array, or of binary as C array
  const AttributeSet* nested = nullptr;       // of nest, indexed-array, nest-type-value
  const Struct* structure = nullptr;          // of binary
  std::vector<std::string> type_value_names;  // of nest-type-value, outermost first
  const SubMessage* sub_message = nullptr;
  std::string selector;  // the attribute that selects its format
  ValueChecks checks;
};

struct AttributeSet {
  std::string name;
  std::string documentation;
  std::vector<Attribute> attributes;     // as in the spec
  const AttributeSet* parent = nullptr;  // which this is a subset of

  // In this set, else in its parent: both number alike.
  const Attribute* Find(std::string_view attribute_name) const;
  const Attribute* Find(uint16_t number) const;

  // Makes the latter fast, once all attributes are there. False: two of them
  // have the same number.
  bool IndexByNumber();
  std::vector<uint32_t> by_number;  // places in `attributes`
};

// How a message's bytes, after the (generic) netlink header, are laid out.
struct Layout {
  const Struct* fixed_header = nullptr;
  const AttributeSet* attributes = nullptr;  // null: none
};

// One way to ask: do or dump.
struct Exchange {
  uint16_t request_id = 0;
  std::optional<uint16_t> reply_id;
  std::vector<std::string> request_attributes;  // names; what is of use, not all that is taken
  std::vector<std::string> reply_attributes;
};

// An operation that may be asked for, or a notification.
struct Operation {
  std::string name;
  std::string documentation;
  Layout layout;
  std::optional<Exchange> doit;
  std::optional<Exchange> dump;
  std::vector<std::string> flags;  // such as "admin-perm"

  // Of notifications only.
  std::optional<uint16_t> notification_id;
  std::string notifies;                       // the operation whose replies it looks like
  std::vector<std::string> event_attributes;  // of an event, which has attributes of its own
  std::string multicast_group;                // where the spec says it

  bool is_notification() const { return notification_id.has_value(); }
  bool HasFlag(std::string_view flag) const;
};

struct MulticastGroup {
  std::string name;
  std::optional<uint32_t> number;  // of netlink-raw only
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_SPEC_TYPES_H_
