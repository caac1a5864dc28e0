// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_ELEMENT_H_
#define KCHAN_BRIDGE_HUB_ELEMENT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bridge/hub/record.h"

// What a log stores: elements of kchan.v1.Batch, encoded. A record is one
// element of `records`, a loss one of `lost`; both stand back to back in the
// order of their numbers.
namespace kchan::hub {

// Where a record's bytes go: its element's size, known before it is written.
struct RecordSize {
  size_t body = 0;     // of the message kchan.v1.Record
  size_t element = 0;  // with its tag and length
};

RecordSize SizeOfRecord(const RecordHeader& header, size_t payload_bytes);
size_t SizeOfLoss(const Loss& loss);

// Each writes one element at `to`, where there is room for its size, and
// returns its end.
std::byte* PutRecord(std::byte* to, const RecordSize& size, uint64_t sequence,
                     const RecordHeader& header, std::span<const std::byte> payload);
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

// What a loss element says; its cause stays behind.
Loss ParseLoss(const Element& element);

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_ELEMENT_H_
