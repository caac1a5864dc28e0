// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_SOURCE_NETLINK_TESTING_H_
#define KCHAN_TESTS_UNIT_SOURCE_NETLINK_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace kchan::testing {

// Netlink attributes as a kernel would write them, or as it never would.
class AttributeBytes {
 public:
  AttributeBytes& Raw(uint16_t type, std::span<const std::byte> payload) {
    Header(static_cast<uint16_t>(4 + payload.size()), type);
    bytes_.insert(bytes_.end(), payload.begin(), payload.end());
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
    return *this;
  }
  template <typename T>
  AttributeBytes& Number(uint16_t type, T value) {
    return Raw(type, std::as_bytes(std::span(&value, 1)));
  }
  AttributeBytes& U16(uint16_t type, uint16_t value) { return Number(type, value); }
  AttributeBytes& U32(uint16_t type, uint32_t value) { return Number(type, value); }
  AttributeBytes& U64(uint16_t type, uint64_t value) { return Number(type, value); }
  // With its NUL.
  AttributeBytes& String(uint16_t type, const char* value) {
    return Raw(type, std::as_bytes(std::span(value, std::strlen(value) + 1)));
  }
  AttributeBytes& Nest(uint16_t type, const AttributeBytes& inner) {
    return Raw(type, inner.bytes_);
  }
  // A header that claims `length` bytes, whatever follows.
  AttributeBytes& Header(uint16_t length, uint16_t type) {
    for (const uint16_t word : {length, type}) {
      const auto* from = reinterpret_cast<const std::byte*>(&word);
      bytes_.insert(bytes_.end(), from, from + sizeof(word));
    }
    return *this;
  }

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_UNIT_SOURCE_NETLINK_TESTING_H_
