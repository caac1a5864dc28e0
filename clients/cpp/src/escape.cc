// SPDX-License-Identifier: Apache-2.0
#include "escape.h"

#include <cstdint>

#include "address.h"

namespace kchan {
namespace {

// How many bytes the sequence has that this byte begins; 0: none begins so.
size_t SequenceBytes(uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

bool IsValidCode(uint32_t code, size_t size) {
  if (size == 3) return code >= 0x800 && (code < 0xd800 || code > 0xdfff);
  if (size == 4) return code >= 0x10000 && code <= 0x10ffff;
  return true;
}

void AppendEscaped(const Utf8Character& character, std::string* out) {
  switch (character.bytes[0]) {
    case '"':
      *out += "\\\"";
      return;
    case '\\':
      *out += "\\\\";
      return;
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    default:
      break;
  }
  if (character.printable) {
    *out += character.bytes;
    return;
  }
  for (size_t i = 0; i < character.bytes.size(); ++i) {
    *out += "\\x";
    *out += HexText(character.bytes.substr(i, 1));
  }
}

// What has a meaning between words.
constexpr std::string_view kSyntax = " \"\\={}";

bool NeedsQuotes(std::string_view text) {
  if (text.empty()) return true;
  while (!text.empty()) {
    const Utf8Character character = FirstCharacter(text);
    const char c = character.bytes[0];
    if (!character.printable || kSyntax.find(c) != std::string_view::npos) return true;
    text.remove_prefix(character.bytes.size());
  }
  return false;
}

}  // namespace

Utf8Character FirstCharacter(std::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  const size_t size = SequenceBytes(first);
  if (size == 0 || size > text.size()) return {.bytes = text.substr(0, 1)};
  if (size == 1) {
    return {.bytes = text.substr(0, 1), .valid = true, .printable = first >= 0x20 && first != 0x7f};
  }
  uint32_t code = first & (0x7f >> size);
  for (size_t i = 1; i < size; ++i) {
    const auto next = static_cast<uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80) return {.bytes = text.substr(0, 1)};
    code = code << 6 | (next & 0x3f);
  }
  if (!IsValidCode(code, size)) return {.bytes = text.substr(0, 1)};
  return {.bytes = text.substr(0, size), .valid = true, .printable = code >= 0xa0};
}

void AppendQuotedText(std::string_view text, std::string* out) {
  if (!NeedsQuotes(text)) {
    *out += text;
    return;
  }
  *out += '"';
  while (!text.empty()) {
    const Utf8Character character = FirstCharacter(text);
    AppendEscaped(character, out);
    text.remove_prefix(character.bytes.size());
  }
  *out += '"';
}

}  // namespace kchan
