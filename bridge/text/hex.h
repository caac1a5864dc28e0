// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_TEXT_HEX_H_
#define KCHAN_BRIDGE_TEXT_HEX_H_

#include <string_view>

namespace kchan::text {

// What a hexadecimal digit, in either case, stands for; -1: it is none.
constexpr int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte that `text` begins with, in two digits; -1: it does not.
constexpr int HexByte(std::string_view text) {
  if (text.size() < 2) return -1;
  const int high = HexDigit(text[0]);
  const int low = HexDigit(text[1]);
  return high < 0 || low < 0 ? -1 : high << 4 | low;
}

}  // namespace kchan::text

#endif  // KCHAN_BRIDGE_TEXT_HEX_H_
