// SPDX-License-Identifier: Apache-2.0
#include "field_number.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "concat.h"
#include "field_kind.h"

namespace kchan {
namespace {

constexpr double kMaxExactNumber = 9007199254740992.0;  // 2^53

// A number wide enough for every field: its sign apart.
struct Number {
  bool negative = false;
  uint64_t magnitude = 0;
};

std::optional<Number> ParseNumeral(std::string_view text) {
  Number number;
  if (text.starts_with('-')) {
    number.negative = true;
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number.magnitude, base);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

std::string Names(const Field& field) {
  std::string names;
  for (const v1::NamedValue& named : field.proto().names()) {
    names += Concat(names.empty() ? "" : ", ", named.name());
  }
  return names.empty() ? "a number" : Concat("a number or one of ", names);
}

absl::StatusOr<uint64_t> InRange(const Field& field, Number number) {
  const uint32_t bits = field.kind() == v1::FIELD_KIND_BOOL ? 1 : 8 * IntegerBytes(field.kind());
  const uint64_t max_magnitude = std::numeric_limits<uint64_t>::max() >> (64 - bits);
  const uint64_t max = field.is_signed() ? max_magnitude >> 1 : max_magnitude;
  const uint64_t min_magnitude = field.is_signed() ? max + 1 : 0;
  if (number.negative ? number.magnitude <= min_magnitude : number.magnitude <= max) {
    return number.negative ? uint64_t{0} - number.magnitude : number.magnitude;
  }
  return absl::InvalidArgumentError(
      Concat("is out of range: ", min_magnitude == 0 ? "" : "-", min_magnitude, " to ", max));
}

absl::StatusOr<uint64_t> FromWord(const Field& field, std::string_view word) {
  for (const v1::NamedValue& named : field.proto().names()) {
    if (named.name() == word) return named.value();
  }
  if (const auto number = ParseNumeral(word)) return InRange(field, *number);
  return absl::InvalidArgumentError(Concat("is '", word, "', but takes ", Names(field)));
}

absl::StatusOr<uint64_t> FromText(const Field& field, std::string_view text) {
  if (field.display() != v1::FIELD_DISPLAY_FLAGS) return FromWord(field, text);
  uint64_t bits = 0;
  while (!text.empty()) {
    const size_t bar = text.find('|');
    const auto word = FromWord(field, text.substr(0, bar));
    if (!word.ok()) return word.status();
    bits |= *word;
    text.remove_prefix(bar == std::string_view::npos ? text.size() : bar + 1);
  }
  return bits;
}

absl::StatusOr<uint64_t> FromDouble(const Field& field, double number) {
  if (std::trunc(number) != number) return absl::InvalidArgumentError("is not a whole number");
  if (std::abs(number) > kMaxExactNumber) {
    return absl::InvalidArgumentError("is beyond 2^53: write it as a string");
  }
  return InRange(field,
                 {.negative = number < 0, .magnitude = static_cast<uint64_t>(std::abs(number))});
}

}  // namespace

absl::StatusOr<uint64_t> NumberFromJson(const Field& field, const google::protobuf::Value& value) {
  switch (value.kind_case()) {
    case google::protobuf::Value::kNumberValue:
      return FromDouble(field, value.number_value());
    case google::protobuf::Value::kStringValue:
      return FromText(field, value.string_value());
    case google::protobuf::Value::kBoolValue:
      return uint64_t{value.bool_value()};
    case google::protobuf::Value::kListValue: {
      if (field.display() != v1::FIELD_DISPLAY_FLAGS) break;
      uint64_t bits = 0;
      for (const google::protobuf::Value& flag : value.list_value().values()) {
        if (flag.has_list_value()) return absl::InvalidArgumentError("is a list of lists");
        const auto number = NumberFromJson(field, flag);
        if (!number.ok()) return number.status();
        bits |= *number;
      }
      return bits;
    }
    default:
      break;
  }
  return absl::InvalidArgumentError(Concat("takes ", Names(field)));
}

}  // namespace kchan
