// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_RING_PAYLOAD_H_
#define KCHAN_TESTS_UNIT_RING_PAYLOAD_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace kchan::testing {

// A payload that says which attempt of which writer it is, and whose every
// byte depends on that: a record that is torn, stale or another's shows.
struct PayloadHead {
  uint64_t attempt;
  uint32_t writer;
  uint32_t bytes;
};
inline constexpr size_t kMinPayloadBytes = sizeof(PayloadHead);

inline std::byte PayloadFill(const PayloadHead& head, size_t index) {
  const uint64_t mixed = (head.attempt + 1) * 0x9e3779b97f4a7c15ULL + head.writer * 31 + index * 7;
  return static_cast<std::byte>(mixed >> 56 ^ mixed);
}

inline void WritePayload(const PayloadHead& head, std::byte* to) {
  std::memcpy(to, &head, sizeof(head));
  for (size_t i = sizeof(head); i < head.bytes; ++i) to[i] = PayloadFill(head, i);
}

inline bool ReadPayload(std::span<const std::byte> payload, PayloadHead* head) {
  if (payload.size() < sizeof(*head)) return false;
  std::memcpy(head, payload.data(), sizeof(*head));
  if (head->bytes != payload.size()) return false;
  for (size_t i = sizeof(*head); i < head->bytes; ++i) {
    if (payload[i] != PayloadFill(*head, i)) return false;
  }
  return true;
}

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_UNIT_RING_PAYLOAD_H_
