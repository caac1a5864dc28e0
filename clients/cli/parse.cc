// SPDX-License-Identifier: Apache-2.0
#include "parse.h"

#include <charconv>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace kchan::cli {

absl::StatusOr<absl::Duration> ParseDuration(std::string_view option, const std::string& text,
                                             absl::Duration absent) {
  if (text.empty()) return absent;
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration) && duration > absl::ZeroDuration()) return duration;
  return absl::InvalidArgumentError(absl::StrCat(std::string(option), " '", text,
                                                 "' is not a duration like 500ms, 10s or 1h30m"));
}

absl::StatusOr<absl::Time> ParseTime(std::string_view option, const std::string& text,
                                     absl::Time absent) {
  if (text.empty()) return absent;
  absl::Time time;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return time;
  absl::Duration ago;
  if (absl::ParseDuration(text, &ago) && ago >= absl::ZeroDuration()) return absl::Now() - ago;
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(option), " '", text,
                   "' is neither a time with its zone, like 2026-11-25T10:00:00Z, nor how long "
                   "ago, like 10m or 1h30m"));
}

absl::StatusOr<uint64_t> ParseBytes(std::string_view option, const std::string& text,
                                    uint64_t absent) {
  if (text.empty()) return absent;
  constexpr std::string_view kSuffixes = "KMGT";
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  const std::string_view suffix(result.ptr, end - result.ptr);
  const size_t unit = suffix.empty() ? 0 : kSuffixes.find(suffix[0]) + 1;
  const int shift = static_cast<int>(10 * unit);
  if (result.ec == std::errc() && suffix.size() <= 1 && (suffix.empty() || unit != 0) &&
      number <= std::numeric_limits<uint64_t>::max() >> shift) {
    return number << shift;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      std::string(option), " '", text, "' is not a number of bytes like 4096, 4K, 1M or 2G"));
}

}  // namespace kchan::cli
