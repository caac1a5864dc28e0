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

std::optional<uint64_t> TakeVarint(std::span<const std::byte>& bytes) {
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
