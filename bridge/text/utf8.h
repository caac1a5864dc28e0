// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_TEXT_UTF8_H_
#define KCHAN_BRIDGE_TEXT_UTF8_H_

#include <string>
#include <string_view>

namespace kchan::text {

bool IsUtf8(std::string_view bytes);

// A string field must be UTF-8, or clients refuse the whole message. Replaces
// each byte that is no part of a character by U+FFFD.
std::string ToUtf8(std::string_view bytes);

}  // namespace kchan::text

#endif  // KCHAN_BRIDGE_TEXT_UTF8_H_
