// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_ELEMENT_H_
#define KCHAN_BRIDGE_HUB_ELEMENT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "bridge/hub/record.h"
#include "bridge/hub/wire.h"

// What a log stores: elements of kchan.v1.Batch, encoded. A record is one
// element of `records`, a loss one of `lost`; both stand back to back in the
// order of their numbers.
namespace kchan::hub {

// Where a record's bytes go: its element's size, known before it is written.
struct RecordSize {
  size_t body = 0;     // of the message kchan.v1.Record
  size_t element = 0;  // with its tag and length
};

// Inline, for these two are most of what a record costs the daemon.
inline RecordSize SizeOfRecord(const RecordHeader& header, size_t payload_bytes) {
  // Sequence and time are a tag and eight bytes each, the rest a tag and a
  // varint.
  const size_t body = 2 * 9 + 3 + wire::VarintSize(header.cpu) + wire::VarintSize(header.type) +
                      wire::VarintSize(payload_bytes) + payload_bytes;
  return {.body = body, .element = 1 + wire::VarintSize(body) + body};
}
size_t SizeOfLoss(const Loss& loss);

// Each writes one element at `to`, where there is room for its size, and
// returns its end. `payload_field`: what the payload is to be of kchan.v1.Record.
inline std::byte* PutRecord(std::byte* to, const RecordSize& size, uint64_t sequence,
                            const RecordHeader& header, std::span<const std::byte> payload,
                            uint32_t payload_field = wire::kRecordPayload) {
  *to++ = wire::OneByteTag(wire::kBatchRecords, wire::kBytes);
  to = wire::PutVarint(to, size.body);
  *to++ = wire::OneByteTag(wire::kRecordSequence, wire::kFixed64);
  to = wire::PutFixed64(to, sequence);
  *to++ = wire::OneByteTag(wire::kRecordBoottime, wire::kFixed64);
  to = wire::PutFixed64(to, header.boottime_ns);
  *to++ = wire::OneByteTag(wire::kRecordCpu, wire::kVarint);
  to = wire::PutVarint(to, header.cpu);
  *to++ = wire::OneByteTag(wire::kRecordType, wire::kVarint);
  to = wire::PutVarint(to, header.type);
  *to++ = wire::OneByteTag(payload_field, wire::kBytes);
  to = wire::PutVarint(to, payload.size());
  return wire::PutBytes(to, payload.data(), payload.size());
}
std::byte* PutLoss(std::byte* to, const Loss& loss);

// One element, as far as a log must understand it.
struct Element {
  size_t bytes = 0;      // of the whole element
  uint64_t numbers = 0;  // how many it covers; 0: a loss of unknown count
  bool is_record = false;
  std::span<const std::byte> body;
};

// The element at the start of `bytes`. Nothing if there is no whole one, or if
// it is none that this file writes.
std::optional<Element> ParseElement(std::span<const std::byte> bytes);

// A record element, taken apart. The payload lies in the element.
struct RecordView {
  uint64_t sequence = 0;
  uint64_t boottime_ns = 0;
  uint32_t cpu = 0;
  uint32_t type = 0;
  std::string_view payload = {};
};

// Nothing if it is no record as PutRecord() writes them.
std::optional<RecordView> ParseRecord(const Element& element);
// Only when it was made.
uint64_t RecordBoottime(const Element& record);

// What a loss element says; its cause stays behind.
Loss ParseLoss(const Element& element);

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_ELEMENT_H_
