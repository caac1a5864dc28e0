// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kernel_text.h"

#include <linux/kchan.h>

#include <algorithm>
#include <span>

#include "absl/strings/str_cat.h"
#include "bridge/source/kernel_messages.h"

namespace kchan::source {
namespace {

// `names` by number; nullptr or beyond: not known.
std::string NameOf(std::span<const char* const> names, uint32_t number) {
  if (number < names.size()) return names[number];
  return absl::StrCat("number ", number);
}

// The length of the well-formed UTF-8 sequence that `text` begins with, or 0.
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what is beyond U+10FFFF.
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) > 0x9f) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

// `text` with '?' for what is no UTF-8, and for the ASCII that `is_bad`.
template <typename IsBad>
std::string Replaced(std::string_view text, IsBad is_bad) {
  std::string result;
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0 || (length == 1 && is_bad(text[0]))) {
      result.push_back('?');
    } else {
      result.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return result;
}

}  // namespace

std::string TransportName(uint32_t transport) {
  static constexpr const char* kNames[] = {"",      "ring",  "genl", "chardev", "relay",
                                           "value", "block", "file", "log"};
  return NameOf(kNames, transport);
}

std::string LayoutName(uint32_t layout) {
  static constexpr const char* kNames[] = {"", "per_cpu", "shared"};
  return NameOf(kNames, layout);
}

std::string PolicyName(uint32_t policy) {
  static constexpr const char* kNames[] = {"", "lock_free", "spinlock", "mutex", "semaphore"};
  return NameOf(kNames, policy);
}

std::string ContextName(uint32_t context) {
  static constexpr const char* kNames[] = {"", "process", "softirq", "hardirq", "nmi"};
  return NameOf(kNames, context);
}

hub::Direction DirectionOf(uint32_t bits) {
  return static_cast<hub::Direction>(bits & (KCHAN_DIRECTION_TO_USER | KCHAN_DIRECTION_TO_KERNEL));
}

absl::Status GetText(const netlink::AttributeView& attribute, size_t max_bytes, std::string* text) {
  const absl::Status status = attribute.GetString(max_bytes, text);
  if (status.ok()) *text = Printable(*text);
  return status;
}

bool IsChannelName(std::string_view name) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() < KCHAN_NAME_BYTES && is_letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
         });
}

std::string Printable(std::string_view text) {
  return Replaced(text, [](char c) { return c < ' ' || c == 0x7f; });
}

std::string ValidUtf8(std::string_view text) {
  return Replaced(text, [](char c) { return c == '\0'; });
}

const char* KchanAttributeName(uint16_t type) {
  static constexpr const char* kNames[] = {
      "UNSPEC",         "PAD",        "ABI_MAJOR",     "ABI_MINOR",   "FEATURES",
      "MODULE_VERSION", "QUIESCED",   "CHANNEL_COUNT", "CHANNEL_ID",  "CHANNEL_NAME",
      "CHANNEL_DOC",    "PROVIDER",   "TRANSPORT",     "DIRECTION",   "LAYOUT",
      "POLICY",         "CONTEXT",    "STATE",         "GENERATION",  "MAX_RECORD_BYTES",
      "BUDGET_BYTES",   "RING_BYTES", "RING_COUNT",    "LINGER_MS",   "PARAM",
      "SCHEMA",         "RING_STATS", "CPU",           "SEQUENCE",    "RECORD",
      "RECORD_TYPE",    "PAYLOAD",    "PATH",          "VOLUME",      "CAPACITY_BYTES",
      "BLOCK_BYTES",    "READ_ONLY",  "OVERWRITE",     "BYTE_STREAM",
  };
  static_assert(std::size(kNames) == __KCHAN_A_MAX);
  return type < std::size(kNames) ? kNames[type] : "that this kchand does not know";
}

}  // namespace kchan::source
