// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_CONCAT_H_
#define KCHAN_CLIENTS_CPP_SRC_CONCAT_H_

#include <concepts>
#include <string>
#include <string_view>

namespace kchan {
namespace internal {

inline void AppendPart(std::string& text, const char* part) { text += part; }
inline void AppendPart(std::string& text, char part) { text += part; }
void AppendPart(std::string& text, std::integral auto number) { text += std::to_string(number); }
// std::string, std::string_view and absl::string_view, which need not be the
// same type and then do not convert to one another.
template <typename Part>
requires requires(const Part& part) { std::string_view(part.data(), part.size()); }
void AppendPart(std::string& text, const Part& part) { text.append(part.data(), part.size()); }

}  // namespace internal

// Joins texts and numbers: absl::StrCat() for std::string_view, which an abseil
// that was built for C++14 (Debian 12) does not take.
template <typename... Parts>
std::string Concat(const Parts&... parts) {
  std::string text;
  (internal::AppendPart(text, parts), ...);
  return text;
}

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_CONCAT_H_
