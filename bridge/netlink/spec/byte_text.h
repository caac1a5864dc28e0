// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_BYTE_TEXT_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_BYTE_TEXT_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bridge/netlink/spec/spec_types.h"

// Bytes as texts, and back.
namespace kchan::netlink {

std::string_view AsText(std::span<const std::byte> bytes);
std::span<const std::byte> AsBytes(std::string_view text);

std::string HexText(std::string_view bytes);
// Digits in either case; spaces between all bytes are allowed.
std::optional<std::string> ParseHexText(std::string_view text);

// As the hint wants it, in plain hexadecimal where bytes of this length are no
// such thing. Both hints of addresses take both kinds: the kernel's specs call an
// address "ipv4" where it may be either.
std::string BytesToText(DisplayHint hint, std::string_view bytes);
std::optional<std::string> TextToBytes(DisplayHint hint, const std::string& text);
// What TextToBytes() takes, for messages.
std::string_view WantedText(DisplayHint hint);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_BYTE_TEXT_H_
