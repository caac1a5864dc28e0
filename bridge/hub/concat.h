// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_CONCAT_H_
#define KCHAN_BRIDGE_HUB_CONCAT_H_

#include <initializer_list>
#include <string>
#include <string_view>

namespace kchan::hub {

// One string of all. Not absl::StrCat: Debian builds abseil with a string_view
// of its own, which std::string_view does not become.
inline std::string Concat(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (std::string_view part : parts) text += part;
  return text;
}

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_CONCAT_H_
