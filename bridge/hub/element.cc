// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/element.h"

#include <algorithm>
#include <cstring>

#include "bridge/hub/wire.h"

namespace kchan::hub {
namespace {

using wire::OneByteTag;

constexpr std::byte kRecordTag = OneByteTag(wire::kBatchRecords, wire::kBytes);
constexpr std::byte kLostTag = OneByteTag(wire::kBatchLost, wire::kBytes);

inline std::optional<uint64_t> TakeVarint(std::span<const std::byte>& bytes) {
  // As most are: lengths, CPUs, types.
  if (!bytes.empty() && std::to_integer<uint8_t>(bytes[0]) < 0x80) {
    const auto short_value = std::to_integer<uint64_t>(bytes[0]);
    bytes = bytes.subspan(1);
    return short_value;
  }
  uint64_t value = 0;
  const size_t longest = std::min<size_t>(bytes.size(), 10);
  for (size_t i = 0; i < longest; ++i) {
    const auto byte = std::to_integer<uint64_t>(bytes[i]);
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      bytes = bytes.subspan(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

// The number of a field that must come next: its value, or its length.
std::optional<uint64_t> TakeField(std::span<const std::byte>& bytes, uint32_t field,
                                  wire::WireType type) {
  if (bytes.empty() || bytes[0] != OneByteTag(field, type)) return std::nullopt;
  bytes = bytes.subspan(1);
  return TakeVarint(bytes);
}

size_t SizeOfLossBody(const Loss& loss) {
  size_t size = 1 + wire::VarintSize(static_cast<uint64_t>(loss.stage));
  if (loss.count != 0) {
    size += 1 + wire::VarintSize(loss.first_sequence) + 1 + wire::VarintSize(loss.count);
  }
  if (loss.cpu) size += 1 + wire::VarintSize(*loss.cpu);
  if (!loss.cause.empty()) {
    size += 1 + wire::VarintSize(loss.cause.size()) + loss.cause.size();
  }
  return size;
}

std::byte* PutVarintField(std::byte* to, uint32_t field, uint64_t value) {
  *to++ = OneByteTag(field, wire::kVarint);
  return wire::PutVarint(to, value);
}

}  // namespace

size_t SizeOfLoss(const Loss& loss) {
  const size_t body = SizeOfLossBody(loss);
  return 1 + wire::VarintSize(body) + body;
}

std::byte* PutLoss(std::byte* to, const Loss& loss) {
  *to++ = kLostTag;
  to = wire::PutVarint(to, SizeOfLossBody(loss));
  if (loss.count != 0) {
    to = PutVarintField(to, wire::kLostFirstSequence, loss.first_sequence);
    to = PutVarintField(to, wire::kLostCount, loss.count);
  }
  to = PutVarintField(to, wire::kLostStage, static_cast<uint64_t>(loss.stage));
  if (loss.cpu) to = PutVarintField(to, wire::kLostCpu, *loss.cpu);
  if (!loss.cause.empty()) {
    *to++ = OneByteTag(wire::kLostCause, wire::kBytes);
    to = wire::PutVarint(to, loss.cause.size());
    to = wire::PutBytes(to, loss.cause.data(), loss.cause.size());
  }
  return to;
}

std::optional<Element> ParseElement(std::span<const std::byte> bytes) {
  if (bytes.empty()) return std::nullopt;
  const bool is_record = bytes[0] == kRecordTag;
  if (!is_record && bytes[0] != kLostTag) return std::nullopt;
  std::span<const std::byte> rest = bytes.subspan(1);
  const std::optional<uint64_t> size = TakeVarint(rest);
  if (!size || *size > rest.size()) return std::nullopt;

  Element element{.bytes = bytes.size() - rest.size() + *size,
                  .numbers = 1,
                  .is_record = is_record,
                  .body = rest.first(*size)};
  if (!is_record) element.numbers = ParseLoss(element).count;
  return element;
}

std::optional<RecordView> ParseRecord(const Element& element) {
  constexpr size_t kNumber = 1 + sizeof(uint64_t);
  std::span<const std::byte> rest = element.body;
  if (!element.is_record || rest.size() < 2 * kNumber ||
      rest[0] != OneByteTag(wire::kRecordSequence, wire::kFixed64) ||
      rest[kNumber] != OneByteTag(wire::kRecordBoottime, wire::kFixed64)) {
    return std::nullopt;
  }
  RecordView record;
  std::memcpy(&record.sequence, rest.data() + 1, sizeof(record.sequence));
  record.boottime_ns = RecordBoottime(element);
  rest = rest.subspan(2 * kNumber);

  const std::optional<uint64_t> cpu = TakeField(rest, wire::kRecordCpu, wire::kVarint);
  const std::optional<uint64_t> type = TakeField(rest, wire::kRecordType, wire::kVarint);
  const std::optional<uint64_t> size = TakeField(rest, wire::kRecordPayload, wire::kBytes);
  if (!cpu || !type || !size || *size != rest.size()) return std::nullopt;
  record.cpu = static_cast<uint32_t>(*cpu);
  record.type = static_cast<uint32_t>(*type);
  record.payload = {reinterpret_cast<const char*>(rest.data()), rest.size()};
  return record;
}

// PutRecord() writes the sequence first, then the time, each a tag and eight
// bytes.
uint64_t RecordBoottime(const Element& record) {
  constexpr size_t kAt = 9 + 1;
  uint64_t boottime_ns = 0;
  if (record.body.size() < kAt + sizeof(boottime_ns)) return 0;
  std::memcpy(&boottime_ns, record.body.data() + kAt, sizeof(boottime_ns));
  return boottime_ns;
}

Loss ParseLoss(const Element& element) {
  Loss loss;
  std::span<const std::byte> rest = element.body;
  while (!rest.empty()) {
    const std::optional<uint64_t> tag = TakeVarint(rest);
    // The cause, a string, is the only field that is no varint, and the last.
    if (!tag || (*tag & 7) != wire::kVarint) break;
    const std::optional<uint64_t> value = TakeVarint(rest);
    if (!value) break;
    switch (*tag >> 3) {
      case wire::kLostFirstSequence:
        loss.first_sequence = *value;
        break;
      case wire::kLostCount:
        loss.count = *value;
        break;
      case wire::kLostStage:
        loss.stage = static_cast<LossStage>(*value);
        break;
      case wire::kLostCpu:
        loss.cpu = static_cast<uint32_t>(*value);
        break;
      default:
        break;
    }
  }
  return loss;
}

}  // namespace kchan::hub
