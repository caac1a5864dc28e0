// SPDX-License-Identifier: Apache-2.0
#include "address.h"

#include <arpa/inet.h>

#include <cstring>

#include "absl/strings/ascii.h"
#include "field_kind.h"

namespace kchan {
namespace {

constexpr char kMappedPrefix[] = "\0\0\0\0\0\0\0\0\0\0\xff\xff";
constexpr size_t kMappedPrefixBytes = 12;

std::string MacText(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i != 0) text += ':';
    text += HexText(bytes.substr(i, 1));
  }
  return text;
}

std::optional<std::string> ParseMac(std::string_view text) {
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i % 3 != 2) {
      digits += text[i];
    } else if (text[i] != ':') {
      return std::nullopt;
    }
  }
  const auto bytes = ParseHex(digits);
  if (text.size() != 17 || !bytes || bytes->size() != 6) return std::nullopt;
  return bytes;
}

std::optional<std::string> ParseInet(int family, const std::string& text) {
  std::string bytes(family == AF_INET ? 4 : 16, '\0');
  if (inet_pton(family, text.c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = absl::ascii_tolower(static_cast<unsigned char>(c));
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::string AddressText(v1::FieldDisplay display, std::string_view bytes) {
  if (bytes.size() != AddressBytes(display)) return HexText(bytes);
  if (display == v1::FIELD_DISPLAY_MAC) return MacText(bytes);
  int family = display == v1::FIELD_DISPLAY_IPV4 ? AF_INET : AF_INET6;
  if (display == v1::FIELD_DISPLAY_IP &&
      std::memcmp(bytes.data(), kMappedPrefix, kMappedPrefixBytes) == 0) {
    family = AF_INET;
    bytes.remove_prefix(kMappedPrefixBytes);
  }
  char text[INET6_ADDRSTRLEN];
  inet_ntop(family, bytes.data(), text, sizeof(text));
  return text;
}

std::optional<std::string> ParseAddress(v1::FieldDisplay display, const std::string& text) {
  switch (display) {
    case v1::FIELD_DISPLAY_MAC:
      return ParseMac(text);
    case v1::FIELD_DISPLAY_IPV4:
      return ParseInet(AF_INET, text);
    case v1::FIELD_DISPLAY_IPV6:
      return ParseInet(AF_INET6, text);
    case v1::FIELD_DISPLAY_IP:
      if (const auto v4 = ParseInet(AF_INET, text)) {
        return std::string(kMappedPrefix, kMappedPrefixBytes) + *v4;
      }
      return ParseInet(AF_INET6, text);
    default:
      return std::nullopt;
  }
}

std::string HexText(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char c : bytes) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 0xf];
  }
  return text;
}

std::optional<std::string> ParseHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexDigit(text[i]);
    const int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace kchan
