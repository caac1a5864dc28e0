// SPDX-License-Identifier: Apache-2.0
// Text, bytes and addresses; filter_numbers.cc has the rest.
#include "bridge/hub/filter_values.h"

#include <arpa/inet.h>

#include <charconv>
#include <optional>
#include <string>

#include "bridge/hub/field_kind.h"
#include "bridge/text/concat.h"
#include "bridge/text/hex.h"

namespace kchan::hub {
namespace {

using Kind = FilterTest::Kind;

constexpr std::string_view kMappedPrefix("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

std::optional<std::string> ParseHex(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int byte = text::HexByte(text.substr(i));
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

// "52:54:00:12:34:56"
std::optional<std::string> ParseMac(std::string_view text) {
  if (text.size() != 17) return std::nullopt;
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i % 3 != 2) {
      digits += text[i];
    } else if (text[i] != ':') {
      return std::nullopt;
    }
  }
  return ParseHex(digits);
}

std::optional<std::string> ParseInet(int family, const std::string& text) {
  std::string bytes(family == AF_INET ? 4 : 16, '\0');
  if (inet_pton(family, text.c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

// An address, and how many of its bits count.
struct Network {
  std::string address;
  size_t prefix_bits = 0;
};

std::optional<Network> NetworkOf(std::string address, std::string_view prefix,
                                 size_t skipped_bits) {
  Network network{.address = std::move(address)};
  network.prefix_bits = 8 * network.address.size();
  if (prefix.empty()) return network;
  size_t bits = 0;
  const char* end = prefix.data() + prefix.size();
  const auto parsed = std::from_chars(prefix.data() + 1, end, bits);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  if (bits > network.prefix_bits - skipped_bits) return std::nullopt;
  network.prefix_bits = skipped_bits + bits;
  return network;
}

std::optional<Network> ParseNetwork(FieldDisplay display, const std::string& text) {
  if (text.find('\0') != std::string::npos) return std::nullopt;
  if (display == FieldDisplay::kMac) {
    auto mac = ParseMac(text);
    if (!mac) return std::nullopt;
    return NetworkOf(*std::move(mac), {}, 0);
  }
  const size_t slash = std::min(text.find('/'), text.size());
  const std::string host = text.substr(0, slash);
  const std::string_view prefix = std::string_view(text).substr(slash);
  const auto v4 = ParseInet(AF_INET, host);
  if (display == FieldDisplay::kIpv4) return v4 ? NetworkOf(*v4, prefix, 0) : std::nullopt;
  if (v4 && display == FieldDisplay::kIp) {
    return NetworkOf(text::Concat(kMappedPrefix, *v4), prefix, 8 * kMappedPrefix.size());
  }
  auto v6 = ParseInet(AF_INET6, host);
  if (!v6) return std::nullopt;
  return NetworkOf(*std::move(v6), prefix, 0);
}

std::string_view AddressExample(FieldDisplay display) {
  switch (display) {
    case FieldDisplay::kMac:
      return "takes an address like 52:54:00:12:34:56";
    case FieldDisplay::kIpv4:
      return "takes an address or a network, like 10.0.0.1 or 10.0.0.0/8";
    case FieldDisplay::kIpv6:
      return "takes an address or a network, like fe80::1 or fe80::/10";
    default:
      return "takes an address or a network, like 10.0.0.0/8 or fe80::1";
  }
}

absl::StatusOr<FilterTest> AddressTest(FieldDisplay display, FilterOperator op,
                                       const FilterValue& value) {
  const bool is_comparable =
      op == FilterOperator::kEqual || op == FilterOperator::kNotEqual || op == FilterOperator::kHas;
  if (!is_comparable) return CannotCompare("is an address, and takes = != and :", value);
  const bool is_open = value.open_start || value.open_end;
  const auto network = is_open ? std::nullopt : ParseNetwork(display, value.text);
  if (!network) return CannotCompare(AddressExample(display), value);

  FilterTest test{.kind = Kind::kMasked, .is_negated = op == FilterOperator::kNotEqual};
  test.text = network->address;
  test.mask_text.assign(network->address.size(), '\0');
  for (size_t bit = 0; bit < network->prefix_bits; ++bit) {
    test.mask_text[bit / 8] = static_cast<char>(test.mask_text[bit / 8] | 0x80 >> bit % 8);
  }
  return test;
}

Kind EqualityKind(const FilterValue& value) {
  if (value.open_start && value.open_end) return Kind::kContains;
  if (value.open_start) return Kind::kEndsWith;
  return value.open_end ? Kind::kStartsWith : Kind::kEquals;
}

}  // namespace

absl::Status CannotCompare(std::string_view why, const FilterValue& value) {
  return absl::InvalidArgumentError(text::Concat(why, ", not ", value.source));
}

absl::StatusOr<FilterTest> TextTest(FilterOperator op, const FilterValue& value,
                                    std::string_view text) {
  FilterTest test{.text = std::string(text)};
  if (op == FilterOperator::kEqual || op == FilterOperator::kNotEqual) {
    test.kind = EqualityKind(value);
    test.is_negated = op == FilterOperator::kNotEqual;
    return test;
  }
  if (value.open_start || value.open_end) {
    return CannotCompare("takes a `*` at the start or end of a text with = and != only", value);
  }
  // Not the negation of the other order: of an array both may hold.
  switch (op) {
    case FilterOperator::kLess:
      test.kind = Kind::kBefore;
      break;
    case FilterOperator::kAtMost:
      test.kind = Kind::kAtMost;
      break;
    case FilterOperator::kGreater:
      test.kind = Kind::kBehind;
      break;
    case FilterOperator::kAtLeast:
      test.kind = Kind::kAtLeast;
      break;
    default:
      test.kind = Kind::kContains;
      break;
  }
  return test;
}

absl::StatusOr<FilterTest> TestOf(const Field& field, FilterOperator op, const FilterValue& value) {
  // Whether it is there is a question to every field.
  if (op == FilterOperator::kHas && value.is_star()) return FilterTest{.kind = Kind::kPresent};
  const auto kind = static_cast<FieldKind>(field.kind);
  const auto display = static_cast<FieldDisplay>(field.display);
  if (kind == FieldKind::kStruct) {
    return CannotCompare("is a structure: compare one of its members", value);
  }
  if (IsString(kind)) return TextTest(op, value, value.text);
  if (IsAddress(field)) return AddressTest(display, op, value);
  if (IntegerBytes(kind) != 0) return NumberTest(field, op, value);
  const auto bytes = ParseHex(value.text);
  if (!bytes) return CannotCompare("takes bytes as hexadecimal digits in pairs", value);
  return TextTest(op, value, *bytes);
}

bool IsAddress(const Field& field) {
  const auto kind = static_cast<FieldKind>(field.kind);
  const uint32_t bytes = AddressBytes(static_cast<FieldDisplay>(field.display));
  if (bytes == 0 || IsString(kind)) return false;
  return field.size_bytes == bytes || IsLoc(kind) || IsRest(kind);
}

}  // namespace kchan::hub
