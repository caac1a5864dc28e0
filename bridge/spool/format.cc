// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/format.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "bridge/hub/element.h"
#include "bridge/spool/bytes.h"

namespace kchan::spool {
namespace {

constexpr uint64_t kMagic = 0x4c4f4f505348434b;  // "KCHSPOOL"
constexpr uint32_t kFrameMagic = 0x4d52464b;     // "KFRM"
constexpr uint32_t kAfterUnseen = 1;             // flags
constexpr size_t kCrcBytes = sizeof(uint32_t);
constexpr size_t kLongestText = 256;

uint32_t Crc(uint32_t before, std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(
      crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

uint32_t SaltedCrc(uint64_t salt) { return Crc(0, std::as_bytes(std::span(&salt, 1))); }

// Whether a record stands where `sequence` is due.
bool IsRecordOf(const hub::Element& element, uint64_t sequence) {
  namespace wire = hub::wire;
  return element.body.size() > sizeof(sequence) &&
         element.body[0] == wire::OneByteTag(wire::kRecordSequence, wire::kFixed64) &&
         Fetch<uint64_t>(element.body.data() + 1) == sequence;
}

}  // namespace

uint32_t Crc32(std::span<const std::byte> bytes) { return Crc(0, bytes); }

uint64_t FrameHeader::file_bytes() const {
  return kFrameHeaderBytes + (uint64_t{payload_bytes} + kAlignment - 1) / kAlignment * kAlignment;
}

std::vector<std::byte> EncodeHeader(const SegmentHeader& header) {
  ByteWriter writer;
  writer.Number(kMagic);
  writer.Number(kFormatVersion);
  writer.Number(uint32_t{0});  // the length, see below
  writer.Number(header.epoch);
  writer.Number(header.schema_id);
  writer.Number(header.first_sequence);
  writer.Number(header.unix_ns);
  writer.Number(header.clock_offset_ns);
  writer.Number(header.salt);
  writer.Number(header.after_unseen ? kAfterUnseen : 0);
  for (const std::string* text : {&header.boot_id, &header.node, &header.channel}) {
    writer.Text(std::string_view(*text).substr(0, kLongestText));
  }
  std::vector<std::byte>& bytes = writer.bytes();
  bytes.resize(bytes.size() + kCrcBytes);
  writer.FillTo(kAlignment);
  Store(bytes.data() + 12, static_cast<uint32_t>(bytes.size()));
  const size_t covered = bytes.size() - kCrcBytes;
  Store(bytes.data() + covered, Crc32(std::span(bytes).first(covered)));
  return std::move(bytes);
}

std::optional<DecodedHeader> DecodeHeader(std::span<const std::byte> start) {
  ByteReader reader(start);
  if (reader.Number<uint64_t>() != kMagic) return std::nullopt;
  if (reader.Number<uint32_t>() != kFormatVersion) return std::nullopt;
  const size_t bytes = reader.Number<uint32_t>();
  if (bytes < 24 || bytes > std::min(start.size(), kMaxHeaderBytes) || bytes % kAlignment != 0) {
    return std::nullopt;
  }
  const size_t covered = bytes - kCrcBytes;
  if (Fetch<uint32_t>(start.data() + covered) != Crc32(start.first(covered))) return std::nullopt;

  DecodedHeader decoded{.header = {}, .bytes = bytes};
  SegmentHeader& header = decoded.header;
  header.epoch = reader.Number<uint64_t>();
  header.schema_id = reader.Number<uint64_t>();
  header.first_sequence = reader.Number<uint64_t>();
  header.unix_ns = reader.Number<uint64_t>();
  header.clock_offset_ns = reader.Number<int64_t>();
  header.salt = reader.Number<uint64_t>();
  header.after_unseen = (reader.Number<uint32_t>() & kAfterUnseen) != 0;
  header.boot_id = reader.Text();
  header.node = reader.Text();
  header.channel = reader.Text();
  if (!reader.ok() || header.epoch == 0 || header.first_sequence == 0) return std::nullopt;
  return decoded;
}

std::array<std::byte, kFrameHeaderBytes> EncodeFrame(const FrameHeader& frame, uint64_t salt) {
  std::array<std::byte, kFrameHeaderBytes> bytes{};
  Store(bytes.data(), kFrameMagic);
  Store(bytes.data() + 8, frame.payload_bytes);
  Store(bytes.data() + 12, frame.payload_crc);
  Store(bytes.data() + 16, frame.first_sequence);
  Store(bytes.data() + 24, frame.last_sequence);
  Store(bytes.data() + 32, frame.records);
  Store(bytes.data() + 40, frame.unix_ns);
  Store(bytes.data() + 4, Crc(SaltedCrc(salt), std::span(bytes).subspan(8)));
  return bytes;
}

std::optional<FrameHeader> DecodeFrame(std::span<const std::byte> bytes, uint64_t salt) {
  if (bytes.size() < kFrameHeaderBytes) return std::nullopt;
  bytes = bytes.first(kFrameHeaderBytes);
  if (Fetch<uint32_t>(bytes.data()) != kFrameMagic) return std::nullopt;
  if (Fetch<uint32_t>(bytes.data() + 4) != Crc(SaltedCrc(salt), bytes.subspan(8))) {
    return std::nullopt;
  }
  FrameHeader frame{.payload_bytes = Fetch<uint32_t>(bytes.data() + 8),
                    .payload_crc = Fetch<uint32_t>(bytes.data() + 12),
                    .first_sequence = Fetch<uint64_t>(bytes.data() + 16),
                    .last_sequence = Fetch<uint64_t>(bytes.data() + 24),
                    .records = Fetch<uint32_t>(bytes.data() + 32),
                    .unix_ns = Fetch<uint64_t>(bytes.data() + 40)};
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
  const bool in_order = frame.first_sequence != 0 &&
                        frame.last_sequence >= frame.first_sequence - 1 &&
                        frame.last_sequence < kLast;
  if (!in_order || frame.payload_bytes == 0) return std::nullopt;
  return frame;
}

PayloadCrc::PayloadCrc(uint64_t salt) : value_(SaltedCrc(salt)) {}

void PayloadCrc::Add(std::span<const std::byte> part) { value_ = Crc(value_, part); }

bool IsPayloadOf(const FrameHeader& frame, std::span<const std::byte> payload, uint64_t salt) {
  if (payload.size() != frame.payload_bytes) return false;
  PayloadCrc crc(salt);
  crc.Add(payload);
  if (crc.value() != frame.payload_crc) return false;

  uint64_t next = frame.first_sequence;
  uint32_t records = 0;
  while (!payload.empty()) {
    const std::optional<hub::Element> element = hub::ParseElement(payload);
    if (!element || element->numbers > frame.last_sequence + 1 - next) return false;
    if (element->is_record) {
      if (!IsRecordOf(*element, next)) return false;
      ++records;
    } else if (element->numbers != 0 && hub::ParseLoss(*element).first_sequence != next) {
      return false;
    }
    next += element->numbers;
    payload = payload.subspan(element->bytes);
  }
  return next == frame.last_sequence + 1 && records == frame.records;
}

}  // namespace kchan::spool
