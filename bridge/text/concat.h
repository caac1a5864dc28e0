// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_TEXT_CONCAT_H_
#define KCHAN_BRIDGE_TEXT_CONCAT_H_

#include <concepts>
#include <string>
#include <string_view>

namespace kchan::text {

inline void Append(std::string* text, std::string_view part) { text->append(part); }
template <std::integral Number>
void Append(std::string* text, Number number) {
  text->append(std::to_string(number));
}

// One string of all the texts and numbers. Not absl::StrCat: Debian builds
// abseil with a string_view of its own, which std::string_view does not become.
template <typename... Parts>
std::string Concat(const Parts&... parts) {
  std::string text;
  (Append(&text, parts), ...);
  return text;
}

}  // namespace kchan::text

#endif  // KCHAN_BRIDGE_TEXT_CONCAT_H_
