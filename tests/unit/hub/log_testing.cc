// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hub/log_testing.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>

namespace kchan::hub::testing {
namespace {

// One field of any message: a number, or bytes.
struct WireField {
  uint32_t number = 0;
  uint64_t value = 0;
  std::string_view bytes;
};

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }

  std::optional<WireField> Next() {
    const std::optional<uint64_t> tag = Varint();
    if (!tag) return std::nullopt;
    WireField field{.number = static_cast<uint32_t>(*tag >> 3), .value = 0, .bytes = {}};
    std::optional<uint64_t> value;
    switch (*tag & 7) {
      case 0:
        value = Varint();
        if (!value) return std::nullopt;
        field.value = *value;
        return field;
      case 1:
        if (rest_.size() < 8) return std::nullopt;
        std::memcpy(&field.value, rest_.data(), 8);
        rest_.remove_prefix(8);
        return field;
      case 2:
        value = Varint();
        if (!value || *value > rest_.size()) return std::nullopt;
        field.bytes = rest_.substr(0, *value);
        rest_.remove_prefix(*value);
        return field;
      default:
        return std::nullopt;
    }
  }

 private:
  std::optional<uint64_t> Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

void SetRecordField(const WireField& field, Seen& seen) {
  if (field.number == 1) seen.first = field.value;
  if (field.number == 2) seen.boottime_ns = field.value;
  if (field.number == 3) seen.cpu = static_cast<uint32_t>(field.value);
  if (field.number == 4) seen.type = static_cast<uint32_t>(field.value);
  if (field.number == 5) seen.payload = field.bytes;
}

void SetLossField(const WireField& field, Seen& seen) {
  if (field.number == 1) seen.first = field.value;
  if (field.number == 2) seen.count = field.value;
  if (field.number == 3) seen.stage = static_cast<LossStage>(field.value);
  if (field.number == 4) {
    seen.cpu = static_cast<uint32_t>(field.value);
    seen.has_cpu = true;
  }
  if (field.number == 5) seen.cause = field.bytes;
}

}  // namespace

std::vector<Seen> Decode(std::span<const std::byte> bytes) {
  std::vector<Seen> all;
  WireReader elements({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  while (!elements.done()) {
    const std::optional<WireField> element = elements.Next();
    if (!element || (element->number != 1 && element->number != 2)) {
      ADD_FAILURE() << "malformed element behind " << all.size() << " good ones";
      return all;
    }
    Seen seen{.is_record = element->number == 1};
    if (!seen.is_record) seen.count = 0;
    WireReader fields(element->bytes);
    while (!fields.done()) {
      const std::optional<WireField> field = fields.Next();
      if (!field) {
        ADD_FAILURE() << "malformed field in element " << all.size();
        return all;
      }
      seen.is_record ? SetRecordField(*field, seen) : SetLossField(*field, seen);
    }
    all.push_back(std::move(seen));
  }
  return all;
}

std::vector<Seen> Decode(const LogBatch& batch) {
  std::vector<Seen> all;
  if (batch.loss) {
    all.push_back({.first = batch.loss->first_sequence,
                   .count = batch.loss->count,
                   .stage = batch.loss->stage,
                   .has_cpu = batch.loss->cpu.has_value()});
  }
  size_t body_bytes = 0;
  for (const SegmentSlice& slice : batch.slices) {
    if (slice.segment) {
      EXPECT_EQ(slice.segment->epoch(), batch.epoch);
      EXPECT_EQ(slice.segment->schema_id(), batch.schema_id);
    }
    EXPECT_FALSE(slice.bytes.empty());
    body_bytes += slice.bytes.size();
    for (Seen& seen : Decode(slice.bytes)) all.push_back(std::move(seen));
  }
  EXPECT_EQ(body_bytes, batch.body_bytes);

  uint64_t numbers = 0;
  uint64_t next = batch.first_sequence;
  for (const Seen& seen : all) {
    if (seen.count == 0) continue;
    if (batch.filtered == 0) {
      EXPECT_EQ(seen.first, next) << "out of order";
    } else {
      EXPECT_GE(seen.first, next) << "out of order";
    }
    numbers += seen.count;
    next = seen.first + seen.count;
  }
  EXPECT_LE(batch.sampled, batch.filtered);
  if (batch.first_sequence == 0) {
    EXPECT_EQ(numbers + batch.filtered, 0u);
  } else {
    EXPECT_LE(next, batch.last_sequence + 1);
    EXPECT_EQ(batch.last_sequence - batch.first_sequence + 1, numbers + batch.filtered);
  }
  return all;
}

std::vector<uint64_t> RecordNumbers(const std::vector<Seen>& seen) {
  std::vector<uint64_t> numbers;
  for (const Seen& each : seen) {
    if (each.is_record) numbers.push_back(each.first);
  }
  return numbers;
}

uint64_t LostNumbers(const std::vector<Seen>& seen, std::optional<LossStage> stage) {
  uint64_t lost = 0;
  for (const Seen& each : seen) {
    if (!each.is_record && (!stage || each.stage == *stage)) lost += each.count;
  }
  return lost;
}

std::vector<uint64_t> Range(uint64_t first, uint64_t last) {
  std::vector<uint64_t> numbers;
  for (uint64_t n = first; n <= last; ++n) numbers.push_back(n);
  return numbers;
}

LogBatch Follower::Read(size_t max_bytes) {
  const LogPosition before = position_;
  LogBatch batch = log_->Read(position_, max_bytes);
  if (batch.empty()) return batch;
  if (batch.slices.size() > 1 || batch.body_bytes > max_bytes) {
    // Longer only if it is one element.
    const bool fits = batch.body_bytes <= max_bytes;
    EXPECT_TRUE(fits || Decode(batch.slices.front().bytes).size() == 1);
  }
  EXPECT_EQ(batch.epoch, position_.cursor.epoch);
  EXPECT_EQ(batch.last_sequence, position_.cursor.sequence);
  if (before.cursor.epoch == batch.epoch && before.run == position_.run &&
      batch.first_sequence != 0) {
    EXPECT_EQ(batch.first_sequence, before.cursor.sequence + 1) << "twice, or left out";
  }
  return batch;
}

std::vector<Seen> Follower::ReadAll(size_t max_bytes) {
  std::vector<Seen> all;
  for (;;) {
    const LogBatch batch = Read(max_bytes);
    if (batch.empty()) return all;
    for (Seen& seen : Decode(batch)) all.push_back(std::move(seen));
  }
}

void LogFixture::Append(uint64_t count, size_t payload_bytes) {
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t sequence = log.next_sequence();
    const std::string payload = PayloadOf(sequence, payload_bytes);
    const RecordHeader header{
        .boottime_ns = 1000 * sequence, .cpu = static_cast<uint32_t>(sequence % 3), .type = 1};
    EXPECT_EQ(log.Append(header, std::as_bytes(std::span(payload))), sequence);
  }
}

std::string PayloadOf(uint64_t sequence, size_t bytes) {
  std::string payload = std::to_string(sequence) + ".";
  payload.resize(bytes, static_cast<char>('a' + sequence % 26));
  return payload;
}

}  // namespace kchan::hub::testing
