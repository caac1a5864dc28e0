// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/psi_text.h"

#include <cstdint>
#include <string>
#include <utility>

#include "bridge/source/text_scan.h"
#include "bridge/text/concat.h"

namespace kchan::source {
namespace {

// "12.34" as 1234.
std::optional<uint64_t> Hundredths(std::string_view text) {
  const auto whole = ParseNumber(TakeUntil(text, '.'));
  const auto part = ParseNumber(text);
  if (!whole || !part || text.size() != 2 || *whole > 100) return std::nullopt;
  return *whole * 100 + *part;
}

bool ParseLine(std::string_view line, std::vector<hub::Word>& words) {
  const std::string_view kind = TakeUntil(line, ' ');
  if (kind != "some" && kind != "full") return false;
  while (!line.empty()) {
    std::string_view value = TakeUntil(line, ' ');
    const std::string_view key = TakeUntil(value, '=');
    const bool is_total = key == "total";
    if (!is_total && key != "avg10" && key != "avg60" && key != "avg300") continue;
    const auto number = is_total ? ParseNumber(value) : Hundredths(value);
    if (!number) return false;
    words.push_back(
        {.name = text::Concat(kind, "_", key, is_total ? "_us" : ""), .value = *number});
  }
  return true;
}

}  // namespace

std::optional<std::vector<hub::Word>> ParsePsi(std::string_view text) {
  std::vector<hub::Word> words;
  while (!text.empty()) {
    if (!ParseLine(TakeUntil(text, '\n'), words)) return std::nullopt;
  }
  if (words.empty()) return std::nullopt;
  return words;
}

}  // namespace kchan::source
