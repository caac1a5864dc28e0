// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/byte_text.h"

#include <arpa/inet.h>

#include <cstdint>

#include "bridge/text/hex.h"

namespace kchan::netlink {
namespace {

constexpr size_t kUuidBytes = 16;
// After how many bytes of a UUID there is a dash.
constexpr bool IsUuidDash(size_t at) { return at == 4 || at == 6 || at == 8 || at == 10; }

// Hexadecimal bytes with `separator` where is_separated(number of bytes before).
template <typename IsSeparated>
std::string HexWith(std::string_view bytes, char separator, IsSeparated is_separated) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i != 0 && is_separated(i)) text += separator;
    text += HexText(bytes.substr(i, 1));
  }
  return text;
}

template <typename IsSeparated>
std::optional<std::string> ParseHexWith(std::string_view text, char separator,
                                        IsSeparated is_separated) {
  std::string bytes;
  while (!text.empty()) {
    if (!bytes.empty() && is_separated(bytes.size())) {
      if (text.front() != separator) return std::nullopt;
      text.remove_prefix(1);
    }
    const int byte = text::HexByte(text);
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
    text.remove_prefix(2);
  }
  return bytes;
}

bool Always(size_t /*bytes*/) { return true; }

std::string AddressText(std::string_view bytes) {
  if (bytes.size() != sizeof(in_addr) && bytes.size() != sizeof(in6_addr)) return HexText(bytes);
  char text[INET6_ADDRSTRLEN];
  inet_ntop(bytes.size() == sizeof(in_addr) ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text));
  return text;
}

std::optional<std::string> ParseAddress(const std::string& text) {
  // inet_pton() would stop at a NUL.
  if (text.find('\0') != std::string::npos) return std::nullopt;
  std::string bytes(sizeof(in6_addr), '\0');
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  bytes.resize(sizeof(in_addr));
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return bytes;
  return std::nullopt;
}

}  // namespace

std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
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

std::optional<std::string> ParseHexText(std::string_view text) {
  const bool is_spaced = text.find(' ') != std::string_view::npos;
  return ParseHexWith(text, ' ', [&](size_t /*bytes*/) { return is_spaced; });
}

std::string BytesToText(DisplayHint hint, std::string_view bytes) {
  switch (hint) {
    case DisplayHint::kIpv4:
    case DisplayHint::kIpv6:
      return AddressText(bytes);
    case DisplayHint::kMac:
      return HexWith(bytes, ':', Always);
    case DisplayHint::kUuid:
      return bytes.size() == kUuidBytes ? HexWith(bytes, '-', IsUuidDash) : HexText(bytes);
    default:
      return HexText(bytes);
  }
}

std::optional<std::string> TextToBytes(DisplayHint hint, const std::string& text) {
  std::optional<std::string> bytes;
  if (hint == DisplayHint::kIpv4 || hint == DisplayHint::kIpv6) bytes = ParseAddress(text);
  if (hint == DisplayHint::kMac) bytes = ParseHexWith(text, ':', Always);
  if (hint == DisplayHint::kUuid) {
    bytes = ParseHexWith(text, '-', IsUuidDash);
    if (bytes && bytes->size() != kUuidBytes) bytes.reset();
  }
  return bytes ? bytes : ParseHexText(text);
}

std::string_view WantedText(DisplayHint hint) {
  switch (hint) {
    case DisplayHint::kIpv4:
    case DisplayHint::kIpv6:
      return "an IP address";
    case DisplayHint::kMac:
      return "a link-layer address such as 02:00:00:00:00:01";
    case DisplayHint::kUuid:
      return "a UUID";
    default:
      return "bytes in hexadecimal such as 0a00ff";
  }
}

}  // namespace kchan::netlink
