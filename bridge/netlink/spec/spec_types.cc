// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/spec_types.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace kchan::netlink {
namespace {

// In the order of ValueType.
constexpr std::array<std::string_view, 20> kTypeNames = {"u8",
                                                         "u16",
                                                         "u32",
                                                         "u64",
                                                         "s8",
                                                         "s16",
                                                         "s32",
                                                         "s64",
                                                         "uint",
                                                         "sint",
                                                         "string",
                                                         "binary",
                                                         "flag",
                                                         "bitfield32",
                                                         "nest",
                                                         "indexed-array",
                                                         "nest-type-value",
                                                         "sub-message",
                                                         "pad",
                                                         "unused"};
static_assert(kTypeNames.size() == static_cast<size_t>(ValueType::kUnused) + 1);

constexpr std::array<std::string_view, 6> kHintNames = {"", "hex", "mac", "ipv4", "ipv6", "uuid"};
static_assert(kHintNames.size() == static_cast<size_t>(DisplayHint::kUuid) + 1);

template <typename Range, typename Key, typename Field>
auto FindBy(const Range& range, const Key& key, Field field) -> decltype(&*range.begin()) {
  const auto at = std::find_if(range.begin(), range.end(),
                               [&](const auto& each) { return each.*field == key; });
  return at == range.end() ? nullptr : &*at;
}

}  // namespace

std::string_view NameOf(ValueType type) { return kTypeNames[static_cast<size_t>(type)]; }
std::string_view NameOf(DisplayHint hint) { return kHintNames[static_cast<size_t>(hint)]; }

bool IsInteger(ValueType type) { return type <= ValueType::kSint; }

bool IsSigned(ValueType type) {
  return (type >= ValueType::kS8 && type <= ValueType::kS64) || type == ValueType::kSint;
}

const EnumEntry* EnumSet::Find(std::string_view entry_name) const {
  return FindBy(entries, entry_name, &EnumEntry::name);
}

const EnumEntry* EnumSet::Find(int64_t value) const {
  return FindBy(entries, value, &EnumEntry::value);
}

const StructMember* Struct::Find(std::string_view member_name) const {
  return FindBy(members, member_name, &StructMember::name);
}

const SubMessageFormat* SubMessage::Find(std::string_view value) const {
  return FindBy(formats, value, &SubMessageFormat::value);
}

const Attribute* AttributeSet::Find(std::string_view attribute_name) const {
  const Attribute* found = FindBy(attributes, attribute_name, &Attribute::name);
  return found != nullptr || parent == nullptr ? found : parent->Find(attribute_name);
}

const Attribute* AttributeSet::Find(uint16_t number) const {
  const auto at = std::lower_bound(
      by_number.begin(), by_number.end(), number,
      [&](uint32_t place, uint16_t wanted) { return attributes[place].number < wanted; });
  if (at != by_number.end() && attributes[*at].number == number) return &attributes[*at];
  return parent == nullptr ? nullptr : parent->Find(number);
}

bool AttributeSet::IndexByNumber() {
  by_number.resize(attributes.size());
  std::iota(by_number.begin(), by_number.end(), uint32_t{0});
  const auto number = [&](uint32_t place) { return attributes[place].number; };
  std::sort(by_number.begin(), by_number.end(),
            [&](uint32_t a, uint32_t b) { return number(a) < number(b); });
  return std::adjacent_find(by_number.begin(), by_number.end(), [&](uint32_t a, uint32_t b) {
           return number(a) == number(b);
         }) == by_number.end();
}

bool Operation::HasFlag(std::string_view flag) const {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

}  // namespace kchan::netlink
