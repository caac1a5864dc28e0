// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/integer_value.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/strings/str_cat.h"
#include "bridge/netlink/spec/byte_text.h"
#include "bridge/netlink/spec/suggest.h"
#include "bridge/text/concat.h"

namespace kchan::netlink {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Value;

constexpr uint64_t kMaxExact = uint64_t{1} << 53;

bool IsBig(ByteOrder order) {
  if (order == ByteOrder::kHost) return std::endian::native == std::endian::big;
  return order == ByteOrder::kBig;
}

// Of what is between -2^63 and 2^64.
std::string DecimalText(absl::int128 number) {
  return number < 0 ? text::Concat(static_cast<int64_t>(number))
                    : text::Concat(static_cast<uint64_t>(number));
}

Value TextValue(std::string text) {
  Value value;
  value.set_string_value(std::move(text));
  return value;
}

// The names of the bits that are set; those without one as the number that they
// make.
Value FlagsValue(const EnumSet& flags, uint64_t bits) {
  Value value;
  ListValue& list = *value.mutable_list_value();
  for (const EnumEntry& entry : flags.entries) {
    if (entry.value < 0 || entry.value > 63) continue;
    const uint64_t bit = uint64_t{1} << entry.value;
    if ((bits & bit) == 0) continue;
    list.add_values()->set_string_value(entry.name);
    bits &= ~bit;
  }
  if (bits != 0) *list.add_values() = NumberValue(bits, /*is_signed=*/false);
  return value;
}

std::string HexNumber(uint64_t bits) {
  char digits[16];
  const char* end = std::to_chars(digits, digits + sizeof(digits), bits, 16).ptr;
  return text::Concat("0x", std::string_view(digits, static_cast<size_t>(end - digits)));
}

// Decimal or, behind "0x", hexadecimal; and nothing else.
bool ParseUnsigned(std::string_view text, uint64_t* number) {
  const bool is_hex = text.substr(0, 2) == "0x";
  if (is_hex) text.remove_prefix(2);
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, *number, is_hex ? 16 : 10);
  return error == std::errc() && at == end;
}

std::optional<absl::int128> ParseInteger(std::string_view text) {
  uint64_t magnitude;
  const bool is_negative = !text.empty() && text.front() == '-';
  const std::string_view digits = text.substr(is_negative ? 1 : 0);

  if (!ParseUnsigned(digits, &magnitude) || (is_negative && magnitude > uint64_t{1} << 63))
    return std::nullopt;
  return is_negative ? -absl::int128(magnitude) : absl::int128(magnitude);
}

absl::Status WrongName(const EnumSet& set, std::string_view name, const Path& path) {
  std::vector<std::string_view> names;
  for (const EnumEntry& entry : set.entries) names.push_back(entry.name);
  return path.Error(text::Concat("'", name, "' is none of ", set.name, ": ", Suggest(name, names)));
}

absl::StatusOr<absl::int128> OfText(const ValueFormat& format, size_t bytes,
                                    const std::string& text, const Path& path) {
  if (format.enumeration != nullptr) {
    const EnumEntry* entry = format.enumeration->Find(text);
    if (entry != nullptr && !format.enum_as_flags) return absl::int128(entry->value);
    if (entry != nullptr && entry->value >= 0 && entry->value <= 63) {
      return absl::int128(uint64_t{1} << entry->value);
    }
  }
  if (const auto number = ParseInteger(text)) return *number;
  if (format.enumeration != nullptr) return WrongName(*format.enumeration, text, path);
  if (format.hint == DisplayHint::kIpv4 || format.hint == DisplayHint::kIpv6) {
    const auto address = TextToBytes(format.hint, text);
    if (address && address->size() == bytes) {
      return absl::int128(LoadInteger(AsBytes(*address), /*is_signed=*/false, ByteOrder::kBig));
    }
  }
  return path.Error(
      text::Concat("'", text, "' is no ", NameOf(format.type),
                   bytes == 4 && format.hint == DisplayHint::kIpv4 ? ", no IPv4 address" : ""));
}

absl::StatusOr<absl::int128> OfNumber(double number, const Path& path) {
  if (!std::isfinite(number) || number != std::trunc(number)) {
    return path.Error(text::Concat(absl::StrCat(number), " is no whole number"));
  }
  if (std::fabs(number) > static_cast<double>(kMaxExact)) {
    return path.Error(text::Concat(absl::StrCat(number),
                                   " is beyond 2^53, where JSON's numbers are not exact: "
                                   "write it as a text, \"18446744073709551615\""));
  }
  return absl::int128(static_cast<int64_t>(number));
}

absl::StatusOr<absl::int128> OfFlags(const ValueFormat& format, const ListValue& list,
                                     const Path& path) {
  ValueFormat flag = format;
  flag.type = ValueType::kU64;
  uint64_t bits = 0;
  for (int i = 0; i < list.values_size(); ++i) {
    const Path item(&path, static_cast<size_t>(i));
    if (list.values(i).has_list_value()) return item.Error("a list within a list");
    const auto bit = IntegerOf(flag, sizeof(uint64_t), {}, list.values(i), item);
    if (!bit.ok()) return bit.status();
    bits |= *bit;
  }
  return absl::int128(bits);
}

absl::StatusOr<absl::int128> OfAny(const ValueFormat& format, size_t bytes, const Value& value,
                                   const Path& path) {
  switch (value.kind_case()) {
    case Value::kNumberValue:
      return OfNumber(value.number_value(), path);
    case Value::kStringValue:
      return OfText(format, bytes, value.string_value(), path);
    case Value::kListValue:
      if (format.enumeration != nullptr && format.enum_as_flags) {
        return OfFlags(format, value.list_value(), path);
      }
      [[fallthrough]];
    default:
      return path.Error(text::Concat("must be ", NameOf(format.type),
                                     format.enumeration == nullptr ? "" : ", or a name"));
  }
}

}  // namespace

size_t IntegerBytes(ValueType type) {
  switch (type) {
    case ValueType::kU8:
    case ValueType::kS8:
      return 1;
    case ValueType::kU16:
    case ValueType::kS16:
      return 2;
    case ValueType::kU32:
    case ValueType::kS32:
      return 4;
    case ValueType::kU64:
    case ValueType::kS64:
      return 8;
    default:
      return 0;
  }
}

uint64_t LoadInteger(std::span<const std::byte> bytes, bool is_signed, ByteOrder order) {
  std::byte buffer[sizeof(uint64_t)] = {};
  if (IsBig(order)) {
    std::reverse_copy(bytes.begin(), bytes.end(), buffer);
  } else {
    std::copy(bytes.begin(), bytes.end(), buffer);
  }
  uint64_t bits = 0;
  for (size_t i = sizeof(buffer); i-- > 0;) bits = bits << 8 | std::to_integer<uint64_t>(buffer[i]);
  const size_t unused = 64 - 8 * bytes.size();
  if (!is_signed || unused == 0) return bits;
  return static_cast<uint64_t>(static_cast<int64_t>(bits << unused) >> unused);
}

std::string StoreInteger(uint64_t bits, size_t bytes, ByteOrder order) {
  std::string stored(bytes, '\0');
  for (char& byte : stored) {
    byte = static_cast<char>(bits & 0xff);
    bits >>= 8;
  }
  if (IsBig(order)) std::reverse(stored.begin(), stored.end());
  return stored;
}

Value NumberValue(uint64_t bits, bool is_signed) {
  const auto number = static_cast<int64_t>(bits);
  const bool is_negative = is_signed && number < 0;
  const uint64_t magnitude = is_negative ? -bits : bits;
  if (magnitude > kMaxExact)
    return TextValue(is_negative ? text::Concat(number) : text::Concat(bits));
  Value value;
  value.set_number_value(is_negative ? -static_cast<double>(magnitude)
                                     : static_cast<double>(magnitude));
  return value;
}

Value IntegerValue(const ValueFormat& format, size_t bytes, uint64_t bits) {
  const uint64_t unsigned_bits = bytes == 8 ? bits : bits & ((uint64_t{1} << 8 * bytes) - 1);
  if (format.enumeration != nullptr) {
    if (format.enum_as_flags) return FlagsValue(*format.enumeration, unsigned_bits);
    const EnumEntry* entry = format.enumeration->Find(static_cast<int64_t>(bits));
    if (entry != nullptr) return TextValue(entry->name);
  } else if (format.hint == DisplayHint::kHex) {
    return TextValue(HexNumber(unsigned_bits));
  } else if (format.hint == DisplayHint::kIpv4 && bytes == 4) {
    return TextValue(BytesToText(format.hint, StoreInteger(bits, bytes, ByteOrder::kBig)));
  }
  return NumberValue(bits, IsSigned(format.type));
}

absl::StatusOr<uint64_t> IntegerOf(const ValueFormat& format, size_t bytes,
                                   const ValueChecks& checks, const Value& value,
                                   const Path& path) {
  const absl::StatusOr<absl::int128> number = OfAny(format, bytes, value, path);
  if (!number.ok()) return number.status();

  const bool is_signed = IsSigned(format.type);
  const size_t width = 8 * (bytes == 0 ? sizeof(uint64_t) : bytes);
  absl::int128 min =
      is_signed ? -(absl::int128(1) << static_cast<int>(width - 1)) : absl::int128(0);
  absl::int128 max = (absl::int128(1) << static_cast<int>(width - (is_signed ? 1 : 0))) - 1;
  if (checks.min) min = std::max(min, absl::int128(*checks.min));
  if (checks.max) max = std::min(max, absl::int128(*checks.max));
  // Flags of a signed type are its bits.
  const bool is_flags = format.enumeration != nullptr && format.enum_as_flags;
  if (is_flags) {
    min = 0;
    max = (absl::int128(1) << static_cast<int>(width)) - 1;
  }
  if (*number < min || *number > max) {
    return path.Error(text::Concat(DecimalText(*number), " is out of range: ", NameOf(format.type),
                                   " here is ", DecimalText(min), " to ", DecimalText(max)));
  }
  return static_cast<uint64_t>(*number);
}

}  // namespace kchan::netlink
