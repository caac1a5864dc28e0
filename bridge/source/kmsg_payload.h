// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KMSG_PAYLOAD_H_
#define KCHAN_BRIDGE_SOURCE_KMSG_PAYLOAD_H_

#include <cstdint>

#include "bridge/hub/schema.h"

// What the records of the channel "kmsg" look like to clients.
namespace kchan::source {

inline constexpr uint32_t kKmsgRecordType = 1;  // what the kernel log says
inline constexpr uint32_t kKmsgLineType = 2;    // what a client writes into it

struct KmsgPayload {
  uint64_t sequence;
  uint64_t time_us;
  uint8_t level;
  uint8_t facility;
  uint16_t flags;   // kKmsgContinuation
  uint32_t caller;  // STRING_LOC, like those below
  uint32_t dictionary;
  uint32_t text;
};
static_assert(sizeof(KmsgPayload) == 32);

inline constexpr uint16_t kKmsgContinuation = 1;

// Behind it: the text.
struct KmsgLine {
  uint8_t level;     // 0: kDefaultLevel
  uint8_t facility;  // 0: user
};
static_assert(sizeof(KmsgLine) == 2);

inline constexpr uint8_t kDefaultLevel = 6;  // info
inline constexpr uint8_t kUserFacility = 1;
inline constexpr uint8_t kMaxFacility = 23;  // local7

hub::Schema KmsgSchema();

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KMSG_PAYLOAD_H_
