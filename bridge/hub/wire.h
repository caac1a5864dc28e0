// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_WIRE_H_
#define KCHAN_BRIDGE_HUB_WIRE_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

// The little of protobuf's wire format that stored records need. A test holds
// the field numbers below against the generated classes.
namespace kchan::hub::wire {

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2 };

constexpr uint32_t Tag(uint32_t field, WireType type) { return field << 3 | type; }
// Of a field below 16, as all of ours are.
constexpr std::byte OneByteTag(uint32_t field, WireType type) {
  return static_cast<std::byte>(Tag(field, type));
}

// kchan.v1.Batch
inline constexpr uint32_t kBatchRecords = 1;
inline constexpr uint32_t kBatchLost = 2;
inline constexpr uint32_t kBatchChannel = 3;
inline constexpr uint32_t kBatchEpoch = 4;
inline constexpr uint32_t kBatchSchemaId = 5;
inline constexpr uint32_t kBatchFirstSequence = 6;
inline constexpr uint32_t kBatchLastSequence = 7;
inline constexpr uint32_t kBatchFiltered = 8;
inline constexpr uint32_t kBatchSampled = 9;
inline constexpr uint32_t kBatchClockOffset = 10;
// kchan.v1.Record
inline constexpr uint32_t kRecordSequence = 1;
inline constexpr uint32_t kRecordBoottime = 2;
inline constexpr uint32_t kRecordCpu = 3;
inline constexpr uint32_t kRecordType = 4;
inline constexpr uint32_t kRecordPayload = 5;
inline constexpr uint32_t kRecordJson = 6;
// kchan.v1.Lost
inline constexpr uint32_t kLostFirstSequence = 1;
inline constexpr uint32_t kLostCount = 2;
inline constexpr uint32_t kLostStage = 3;
inline constexpr uint32_t kLostCpu = 4;
inline constexpr uint32_t kLostCause = 5;

// Seven bits to a byte. Multiplying by 9/64 instead of dividing by 7 gives the
// same for every width up to 64, and is on the path of every record.
constexpr size_t VarintSize(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) * 9 + 64) / 64;
}

// Each Put writes at `to` and returns the end of what it wrote. The caller has
// made sure of the room.
inline std::byte* PutVarint(std::byte* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<std::byte>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<std::byte>(value);
  return to;
}

inline std::byte* PutFixed64(std::byte* to, uint64_t value) {
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(to, &value, sizeof(value));
  return to + sizeof(value);
}

inline std::byte* PutBytes(std::byte* to, const void* bytes, size_t size) {
  if (size != 0) std::memcpy(to, bytes, size);
  return to + size;
}

}  // namespace kchan::hub::wire

#endif  // KCHAN_BRIDGE_HUB_WIRE_H_
