// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_PAYLOAD_BUILDER_H_
#define KCHAN_BRIDGE_SOURCE_PAYLOAD_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace kchan::source {

// The payload of a record that this process makes: a structure, and behind it
// what its LOC members point to (KCHAN_FIELD_STRING_LOC says how).
//
// Usage: one Add() for each LOC member, then Finish() with the structure.
template <typename Fixed>
class PayloadBuilder {
  static_assert(std::is_trivially_copyable_v<Fixed>);

 public:
  // The value of the member that points to `text`. What does not fit a LOC
  // member's 16 bits is cut off.
  uint32_t Add(std::string_view text) {
    const size_t room = kMaxBytes - bytes_.size();
    text = text.substr(0, room);
    const auto offset = static_cast<uint32_t>(bytes_.size());
    bytes_ += text;
    return offset | static_cast<uint32_t>(text.size()) << 16;
  }

  // Valid until this is destroyed.
  std::span<const std::byte> Finish(const Fixed& fixed) {
    std::memcpy(bytes_.data(), &fixed, sizeof(fixed));
    return std::as_bytes(std::span(bytes_));
  }

 private:
  static constexpr size_t kMaxBytes = UINT16_MAX;

  std::string bytes_ = std::string(sizeof(Fixed), '\0');
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_PAYLOAD_BUILDER_H_
