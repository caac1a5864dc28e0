// SPDX-License-Identifier: Apache-2.0
#include "bridge/text/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace kchan::text {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// The length of the character that `bytes` begins with; 0 if it is none:
// broken off, longer than it need be, a surrogate, or beyond U+10FFFF.
size_t CharacterBytes(std::string_view bytes) {
  const auto first = static_cast<uint8_t>(bytes[0]);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < length) return 0;
  const auto is_continuation = [](char c) { return (static_cast<uint8_t>(c) & 0xc0) == 0x80; };
  if (!std::all_of(bytes.begin() + 1, bytes.begin() + length, is_continuation)) return 0;
  const auto second = static_cast<uint8_t>(bytes[1]);
  if (first == 0xe0 && second < 0xa0) return 0;
  if (first == 0xed && second >= 0xa0) return 0;
  if (first == 0xf0 && second < 0x90) return 0;
  if (first == 0xf4 && second >= 0x90) return 0;
  return length;
}

}  // namespace

bool IsUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t length = CharacterBytes(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string ToUtf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t length = CharacterBytes(bytes);
    text += length == 0 ? kReplacement : bytes.substr(0, length);
    bytes.remove_prefix(std::max<size_t>(length, 1));
  }
  return text;
}

}  // namespace kchan::text
