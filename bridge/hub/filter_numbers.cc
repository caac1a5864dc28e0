// SPDX-License-Identifier: Apache-2.0
// Numbers: also names of values, flags, bools and durations.
#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "bridge/hub/field_kind.h"
#include "bridge/hub/filter_values.h"
#include "bridge/text/concat.h"

namespace kchan::hub {
namespace {

using Kind = FilterTest::Kind;

// Wide enough for every field: its sign apart.
struct Number {
  bool is_negative = false;
  uint64_t magnitude = 0;
};

constexpr uint64_t kSignBit = uint64_t{1} << 63;

struct TimeUnit {
  std::string_view name;
  uint64_t ns;
};
constexpr std::array kTimeUnits = {
    TimeUnit{"ns", 1},           TimeUnit{"us", 1000},          TimeUnit{"ms", 1000'000},
    TimeUnit{"s", 1000'000'000}, TimeUnit{"m", 60'000'000'000}, TimeUnit{"h", 3600'000'000'000}};

// 0: it is no unit of time.
uint64_t NsOf(std::string_view unit) {
  for (const TimeUnit& each : kTimeUnits) {
    if (each.name == unit) return each.ns;
  }
  return 0;
}

// Decimal, or hexadecimal behind 0x.
std::optional<uint64_t> ParseMagnitude(std::string_view text) {
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  if (is_hex) text.remove_prefix(2);
  uint64_t magnitude = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, magnitude, is_hex ? 16 : 10);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return magnitude;
}

// "1.5ms" in a unit of `unit_ns`, where that is a whole number.
std::optional<uint64_t> ParseTime(std::string_view text, uint64_t unit_ns) {
  constexpr size_t kMaxFraction = 9;  // 10^9 times an hour still fits
  const size_t digits_end = text.find_first_not_of("0123456789.");
  if (unit_ns == 0 || digits_end == std::string_view::npos) return std::nullopt;
  const uint64_t given_ns = NsOf(text.substr(digits_end));
  const std::string_view digits = text.substr(0, digits_end);
  const size_t dot = digits.find('.');
  const auto whole = ParseMagnitude(digits.substr(0, dot));
  uint64_t ns = 0;
  if (given_ns == 0 || !whole || __builtin_mul_overflow(*whole, given_ns, &ns)) return std::nullopt;
  if (dot != std::string_view::npos) {
    std::string_view rest = digits.substr(dot + 1);
    const auto fraction = ParseMagnitude(rest);
    if (!fraction || rest.size() > kMaxFraction) return std::nullopt;
    uint64_t scale = 1;
    for (size_t i = 0; i < rest.size(); ++i) scale *= 10;
    // Its parts first: the product of the whole may not fit.
    const uint64_t unit_part = given_ns / scale;
    const uint64_t unit_rest = given_ns % scale;
    if (*fraction * unit_rest % scale != 0) return std::nullopt;
    const uint64_t fraction_ns = *fraction * unit_part + *fraction * unit_rest / scale;
    if (__builtin_add_overflow(ns, fraction_ns, &ns)) return std::nullopt;
  }
  if (ns % unit_ns != 0) return std::nullopt;
  return ns / unit_ns;
}

std::optional<Number> ParseNumber(const Field& field, std::string_view text) {
  Number number;
  if (text.starts_with('-')) {
    number.is_negative = true;
    text.remove_prefix(1);
  }
  auto magnitude = ParseMagnitude(text);
  if (!magnitude) magnitude = ParseTime(text, NsOf(field.unit));
  if (!magnitude) return std::nullopt;
  number.magnitude = *magnitude;
  return number;
}

std::string Takes(const Field& field) {
  constexpr size_t kMostNames = 12;
  if (static_cast<FieldKind>(field.kind) == FieldKind::kBool) return "takes true or false";
  const bool is_time = NsOf(field.unit) != 0;
  if (field.names.empty()) {
    return is_time ? text::Concat("takes a number of ", field.unit, " or a duration like 5ms")
                   : "takes a number";
  }
  std::string text = "takes a number or one of ";
  for (size_t i = 0; i < field.names.size() && i < kMostNames; ++i) {
    text += text::Concat(i == 0 ? "" : " ", field.names[i].name);
  }
  if (field.names.size() > kMostNames) text += " ..";
  return text;
}

uint64_t AllBits(FieldKind kind) {
  const uint32_t bytes = IntegerBytes(kind);
  return bytes >= sizeof(uint64_t) ? UINT64_MAX : (uint64_t{1} << 8 * bytes) - 1;
}

// The bits of a number that the field can hold.
absl::StatusOr<uint64_t> InRange(const Field& field, const Number& number,
                                 const FilterValue& value) {
  const auto kind = static_cast<FieldKind>(field.kind);
  const uint64_t all = kind == FieldKind::kBool ? 1 : AllBits(kind);
  const uint64_t max = IsSigned(kind) ? all >> 1 : all;
  const uint64_t min_magnitude = IsSigned(kind) ? max + 1 : 0;
  if (number.is_negative ? number.magnitude <= min_magnitude : number.magnitude <= max) {
    return number.is_negative ? uint64_t{0} - number.magnitude : number.magnitude;
  }
  return CannotCompare(
      text::Concat("takes ", min_magnitude == 0 ? "" : "-", min_magnitude, " to ", max), value);
}

absl::StatusOr<uint64_t> WordOf(const Field& field, std::string_view word,
                                const FilterValue& value) {
  for (const NamedValue& named : field.names) {
    if (named.name == word) return named.value;
  }
  if (static_cast<FieldKind>(field.kind) == FieldKind::kBool) {
    if (word == "true") return 1;
    if (word == "false") return 0;
  }
  const auto number = ParseNumber(field, word);
  if (!number) return CannotCompare(Takes(field), value);
  return InRange(field, *number, value);
}

bool IsFlags(const Field& field) {
  return static_cast<FieldDisplay>(field.display) == FieldDisplay::kFlags;
}

absl::StatusOr<uint64_t> NumberOf(const Field& field, const FilterValue& value) {
  if (!IsFlags(field)) return WordOf(field, value.text, value);
  uint64_t bits = 0;
  for (std::string_view rest = value.text;;) {
    const size_t bar = rest.find('|');
    const absl::StatusOr<uint64_t> word = WordOf(field, rest.substr(0, bar), value);
    if (!word.ok()) return word;
    bits |= *word;
    if (bar == std::string_view::npos) return bits;
    rest.remove_prefix(bar + 1);
  }
}

// A flag is there if all its bits are; one without bits, if no bit is.
FilterTest FlagsTest(const Field& field, uint64_t bits) {
  const uint64_t all = AllBits(static_cast<FieldKind>(field.kind));
  FilterTest test{.kind = Kind::kRange};
  test.mask = bits == 0 ? all : bits;
  test.low = test.high = bits;
  return test;
}

void SetRange(FilterOperator op, uint64_t biased, FilterTest& test) {
  // Where nothing is in the range, the lower end is above the upper one.
  test.low = 0;
  test.high = UINT64_MAX;
  switch (op) {
    case FilterOperator::kLess:
      test.low = biased == 0 ? 1 : 0;
      test.high = biased == 0 ? 0 : biased - 1;
      return;
    case FilterOperator::kAtMost:
      test.high = biased;
      return;
    case FilterOperator::kGreater:
      test.low = biased == UINT64_MAX ? 1 : biased + 1;
      test.high = biased == UINT64_MAX ? 0 : UINT64_MAX;
      return;
    case FilterOperator::kAtLeast:
      test.low = biased;
      return;
    default:
      test.low = test.high = biased;
  }
}

}  // namespace

absl::StatusOr<FilterTest> NumberTest(const Field& field, FilterOperator op,
                                      const FilterValue& value) {
  if (value.open_start || value.open_end) return CannotCompare(Takes(field), value);
  const absl::StatusOr<uint64_t> number = NumberOf(field, value);
  if (!number.ok()) return number.status();
  if (op == FilterOperator::kHas && IsFlags(field)) return FlagsTest(field, *number);

  FilterTest test{.kind = Kind::kRange, .is_negated = op == FilterOperator::kNotEqual};
  const auto kind = static_cast<FieldKind>(field.kind);
  if (kind == FieldKind::kBool) {
    const bool is_equality = op == FilterOperator::kEqual || op == FilterOperator::kNotEqual ||
                             op == FilterOperator::kHas;
    if (!is_equality) return CannotCompare("is true or false, and takes = != and :", value);
    // Any byte but 0 is true.
    test.low = *number == 0 ? 0 : 1;
    test.high = *number == 0 ? 0 : UINT64_MAX;
    return test;
  }
  // With the sign turned over, signed numbers are in the order of unsigned ones.
  test.bias = IsSigned(kind) ? kSignBit : 0;
  SetRange(op, *number ^ test.bias, test);
  return test;
}

}  // namespace kchan::hub
