// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/log_line.h"

#include <charconv>

#include "bridge/hub/concat.h"

namespace kchan::source {
namespace {

constexpr uint8_t kFacilityKern = 0;
constexpr std::string_view kWithheld = " lines withheld, up to #";

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool TakeNumber(std::string_view& text, uint64_t& number) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(parsed.ptr - text.data()));
  return true;
}

bool IsOfChannel(const KmsgRecord& record, std::string_view channel) {
  if (record.facility != kFacilityKern) return false;
  const auto device = FindInDictionary(record.dictionary, "DEVICE");
  return device && *device == hub::Concat({"+kchan:", channel});
}

// What the channel has shown as \xHH.
std::string Unescape(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    uint8_t byte = 0;
    if (text.size() >= 4 && text.starts_with("\\x")) {
      const char* const end = text.data() + 4;
      const auto parsed = std::from_chars(text.data() + 2, end, byte, 16);
      if (parsed.ec == std::errc() && parsed.ptr == end) {
        bytes += static_cast<char>(byte);
        text.remove_prefix(4);
        continue;
      }
    }
    bytes += text.front();
    text.remove_prefix(1);
  }
  return bytes;
}

}  // namespace

std::optional<LogLine> ParseLogLine(const KmsgRecord& record, std::string_view channel) {
  if (!IsOfChannel(record, channel)) return std::nullopt;
  std::string_view text = record.text;
  LogLine line;
  uint64_t count = 0;
  if (!TakePrefix(text, channel)) return std::nullopt;
  if (TakePrefix(text, "#")) {
    if (!TakeNumber(text, line.sequence) || !TakePrefix(text, ": ")) return std::nullopt;
    line.text = Unescape(text);
    return line;
  }
  if (!TakePrefix(text, ": ") || !TakeNumber(text, count) || !TakePrefix(text, kWithheld) ||
      !TakeNumber(text, line.sequence) || !text.empty()) {
    return std::nullopt;
  }
  line.is_summary = true;
  return line;
}

}  // namespace kchan::source
