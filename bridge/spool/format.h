// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_FORMAT_H_
#define KCHAN_BRIDGE_SPOOL_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

// What is in a segment file of the spool. Little-endian:
//
//   header   magic "KCHSPOOL", version, length, then SegmentHeader, then the
//            CRC-32 of all of it, in a multiple of 8 bytes
//   frames   each of kFrameHeaderBytes and a payload, filled up with zeros to a
//            multiple of 8 bytes
//
// A frame's payload is what the log held: elements of kchan.v1.Batch, back to
// back. Both CRCs of a frame begin with its file's salt, so that what a record
// carries, or what an older file left on the disk, is no frame of this one.
namespace kchan::spool {

inline constexpr uint32_t kFormatVersion = 1;
inline constexpr size_t kMaxHeaderBytes = 4096;
inline constexpr size_t kFrameHeaderBytes = 48;
inline constexpr size_t kAlignment = 8;

// What all records of one file have in common, and where they come from.
struct SegmentHeader {
  uint64_t epoch = 0;
  uint64_t schema_id = 0;
  uint64_t first_sequence = 0;
  uint64_t unix_ns = 0;         // when it was made
  int64_t clock_offset_ns = 0;  // UTC minus CLOCK_BOOTTIME then
  uint64_t salt = 0;
  // How the epoch before this one ended was not seen: a daemon ended first.
  bool after_unseen = false;
  std::string boot_id;
  std::string node;
  std::string channel;

  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

std::vector<std::byte> EncodeHeader(const SegmentHeader& header);

struct DecodedHeader {
  SegmentHeader header;
  size_t bytes = 0;  // where the first frame is
};
// From the start of a file; nothing if it is none of ours, or damaged.
std::optional<DecodedHeader> DecodeHeader(std::span<const std::byte> start);

// One write: consecutive numbers of the file's epoch.
struct FrameHeader {
  uint32_t payload_bytes = 0;
  uint32_t payload_crc = 0;
  uint64_t first_sequence = 0;
  uint64_t last_sequence = 0;  // first_sequence - 1: a loss of unknown count alone
  uint32_t records = 0;
  uint64_t unix_ns = 0;  // when it was written

  uint64_t numbers() const { return last_sequence + 1 - first_sequence; }
  // In the file, with its header.
  uint64_t file_bytes() const;
};

std::array<std::byte, kFrameHeaderBytes> EncodeFrame(const FrameHeader& frame, uint64_t salt);
// Nothing if these bytes are no frame's header.
std::optional<FrameHeader> DecodeFrame(std::span<const std::byte> bytes, uint64_t salt);

// The CRC of a payload that comes in parts: begin with Start().
class PayloadCrc {
 public:
  explicit PayloadCrc(uint64_t salt);
  void Add(std::span<const std::byte> part);
  uint32_t value() const { return value_; }

 private:
  uint32_t value_;
};

// Whether `payload` is exactly what `frame` says: whole elements, consecutive
// numbers, as many records. Trusts nothing.
bool IsPayloadOf(const FrameHeader& frame, std::span<const std::byte> payload, uint64_t salt);

uint32_t Crc32(std::span<const std::byte> bytes);

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_FORMAT_H_
