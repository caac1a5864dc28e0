// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kmsg_record.h"

#include <limits>
#include <utility>

#include "bridge/source/text_scan.h"

namespace kchan::source {
namespace {

bool ParseBounded(std::string_view text, uint64_t max, uint64_t& number) {
  const std::optional<uint64_t> parsed = ParseNumber(text);
  if (!parsed || *parsed > max) return false;
  number = *parsed;
  return true;
}

bool IsControl(char byte) { return static_cast<unsigned char>(byte) < ' ' || byte == 0x7f; }

// Undoes the kernel's escapes, but for those that `keep` wants.
template <typename Keep>
void AppendUnescaped(std::string_view text, Keep keep, std::string& to) {
  while (!text.empty()) {
    const std::optional<char> byte = EscapedByte(text);
    const size_t bytes = byte ? 4 : 1;
    if (byte && !keep(*byte)) {
      to += *byte;
    } else {
      to += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
}

bool ParsePrefix(std::string_view prefix, KmsgRecord& record) {
  uint64_t priority = 0;
  if (!ParseBounded(TakeUntil(prefix, ','), UINT8_MAX << 3 | 7, priority)) return false;
  record.level = priority & 7;
  record.facility = static_cast<uint8_t>(priority >> 3);
  constexpr uint64_t kAny = std::numeric_limits<uint64_t>::max();
  if (!ParseBounded(TakeUntil(prefix, ','), kAny - 1, record.sequence)) return false;
  if (!ParseBounded(TakeUntil(prefix, ','), kAny / 1000, record.time_us)) return false;
  record.continuation = TakeUntil(prefix, ',') == "c";
  // Later kernels may add more.
  constexpr std::string_view kCaller = "caller=";
  while (!prefix.empty()) {
    std::string_view part = TakeUntil(prefix, ',');
    if (part.starts_with(kCaller)) record.caller = part.substr(kCaller.size());
  }
  return true;
}

}  // namespace

std::optional<KmsgRecord> ParseKmsg(std::string_view record) {
  if (record.find(';') == std::string_view::npos) return std::nullopt;
  KmsgRecord parsed;
  if (!ParsePrefix(TakeUntil(record, ';'), parsed)) return std::nullopt;
  // A NUL would end the text for who decodes it.
  AppendUnescaped(
      TakeUntil(record, '\n'), [](char byte) { return byte == '\0'; }, parsed.text);
  while (!record.empty()) {
    std::string_view line = TakeUntil(record, '\n');
    if (!line.starts_with(' ')) continue;
    if (!parsed.dictionary.empty()) parsed.dictionary += '\n';
    AppendUnescaped(line.substr(1), IsControl, parsed.dictionary);
  }
  return parsed;
}

std::optional<std::string_view> FindInDictionary(std::string_view dictionary,
                                                 std::string_view key) {
  while (!dictionary.empty()) {
    std::string_view value = TakeUntil(dictionary, '\n');
    if (value.find('=') == std::string_view::npos) continue;
    if (TakeUntil(value, '=') == key) return value;
  }
  return std::nullopt;
}

}  // namespace kchan::source
