// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/log_line.h"

#include "bridge/source/text_scan.h"
#include "bridge/text/concat.h"

namespace kchan::source {
namespace {

constexpr uint8_t kFacilityKern = 0;
constexpr std::string_view kWithheld = " lines withheld, up to #";

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool IsOfChannel(const KmsgRecord& record, std::string_view channel) {
  if (record.facility != kFacilityKern) return false;
  const auto device = FindInDictionary(record.dictionary, "DEVICE");
  return device && *device == text::Concat("+kchan:", channel);
}

// What the channel has shown as \xHH.
std::string Unescape(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const std::optional<char> byte = EscapedByte(text);
    bytes += byte.value_or(text.front());
    text.remove_prefix(byte ? 4 : 1);
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
