// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_TEXT_SCAN_H_
#define KCHAN_BRIDGE_SOURCE_TEXT_SCAN_H_

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

// Reading the texts that the kernel writes: kmsg, uevents, sysfs, procfs.
namespace kchan::source {

// Takes what stands before `end` off `text`, and the end itself; everything if
// there is none.
std::string_view TakeUntil(std::string_view& text, char end);

// Takes a decimal number off the front of `text`. False, and nothing taken: there is
// none, or it is out of range.
template <typename Number>
bool TakeNumber(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

// The decimal number that `text` is, and nothing else.
std::optional<uint64_t> ParseNumber(std::string_view text);

// The byte that "\xNN" at the start of `text` means: four characters.
std::optional<char> EscapedByte(std::string_view text);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_TEXT_SCAN_H_
