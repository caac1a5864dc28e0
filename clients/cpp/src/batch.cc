// SPDX-License-Identifier: Apache-2.0
#include "kchan/batch.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "concat.h"
#include "wire_reader.h"

namespace kchan {
namespace {

constexpr uint32_t Tag(uint32_t field, WireType type) {
  return field << 3 | static_cast<uint32_t>(type);
}

bool ReadU32(WireReader& reader, uint32_t* value) {
  uint64_t wide;
  if (!reader.ReadVarint(&wide)) return false;
  *value = static_cast<uint32_t>(wide);  // as protobuf does
  return true;
}

// Takes a record as kchand encodes nearly all: each field once, in order, CPU
// and type in a byte. False: it is another one, for ParseRecord(), which would
// take twice as long for these.
bool ParseUsualRecord(std::string_view bytes, RecordView* record) {
  constexpr char kSequence = Tag(v1::Record::kSequenceFieldNumber, WireType::kFixed64);
  constexpr char kBoottime = Tag(v1::Record::kBoottimeNsFieldNumber, WireType::kFixed64);
  constexpr char kCpu = Tag(v1::Record::kCpuFieldNumber, WireType::kVarint);
  constexpr char kType = Tag(v1::Record::kTypeFieldNumber, WireType::kVarint);
  constexpr char kPayload = Tag(v1::Record::kPayloadFieldNumber, WireType::kLengthDelimited);
  constexpr size_t kCpuAt = 2 * (1 + sizeof(uint64_t));
  constexpr size_t kTypeAt = kCpuAt + 2;
  constexpr size_t kPayloadAt = kTypeAt + 2;

  if (bytes.size() <= kPayloadAt || bytes[0] != kSequence ||
      bytes[1 + sizeof(uint64_t)] != kBoottime || bytes[kCpuAt] != kCpu ||
      bytes[kTypeAt] != kType || bytes[kPayloadAt] != kPayload) {
    return false;
  }
  const auto cpu = static_cast<uint8_t>(bytes[kCpuAt + 1]);
  const auto type = static_cast<uint8_t>(bytes[kTypeAt + 1]);
  WireReader rest(bytes.substr(kPayloadAt + 1));
  if ((cpu | type) >= 0x80 || !rest.ReadBytes(&record->payload) || !rest.done()) return false;
  std::memcpy(&record->sequence, bytes.data() + 1, sizeof(uint64_t));
  std::memcpy(&record->boottime_ns, bytes.data() + 2 + sizeof(uint64_t), sizeof(uint64_t));
  record->cpu = cpu;
  record->type = type;
  return true;
}

bool ParseRecord(std::string_view bytes, RecordView* record) {
  if (ParseUsualRecord(bytes, record)) [[likely]]
    return true;
  WireReader reader(bytes);
  while (!reader.done()) {
    uint32_t field;
    WireType type;
    if (!reader.ReadTag(&field, &type)) return false;
    bool ok;
    switch (Tag(field, type)) {
      case Tag(v1::Record::kSequenceFieldNumber, WireType::kFixed64):
        ok = reader.ReadFixed64(&record->sequence);
        break;
      case Tag(v1::Record::kBoottimeNsFieldNumber, WireType::kFixed64):
        ok = reader.ReadFixed64(&record->boottime_ns);
        break;
      case Tag(v1::Record::kCpuFieldNumber, WireType::kVarint):
        ok = ReadU32(reader, &record->cpu);
        break;
      case Tag(v1::Record::kTypeFieldNumber, WireType::kVarint):
        ok = ReadU32(reader, &record->type);
        break;
      case Tag(v1::Record::kPayloadFieldNumber, WireType::kLengthDelimited):
        ok = reader.ReadBytes(&record->payload);
        break;
      case Tag(v1::Record::kJsonFieldNumber, WireType::kLengthDelimited):
        ok = reader.ReadBytes(&record->json);
        break;
      default:
        ok = reader.Skip(type);
    }
    if (!ok) return false;
  }
  return true;
}

bool ParseLost(std::string_view bytes, LostView* lost) {
  WireReader reader(bytes);
  while (!reader.done()) {
    uint32_t field;
    WireType type;
    uint32_t value;
    if (!reader.ReadTag(&field, &type)) return false;
    bool ok;
    switch (Tag(field, type)) {
      case Tag(v1::Lost::kFirstSequenceFieldNumber, WireType::kVarint):
        ok = reader.ReadVarint(&lost->first_sequence);
        break;
      case Tag(v1::Lost::kCountFieldNumber, WireType::kVarint):
        ok = reader.ReadVarint(&lost->count);
        break;
      case Tag(v1::Lost::kStageFieldNumber, WireType::kVarint):
        ok = ReadU32(reader, &value);
        // A stage that this library is too old for is still a loss.
        if (ok && v1::LossStage_IsValid(static_cast<int>(value))) {
          lost->stage = static_cast<v1::LossStage>(value);
        }
        break;
      case Tag(v1::Lost::kCpuFieldNumber, WireType::kVarint):
        ok = ReadU32(reader, &value);
        if (ok) lost->cpu = value;
        break;
      case Tag(v1::Lost::kCauseFieldNumber, WireType::kLengthDelimited):
        ok = reader.ReadBytes(&lost->cause);
        break;
      default:
        ok = reader.Skip(type);
    }
    if (!ok) return false;
  }
  return true;
}

}  // namespace

absl::Status BatchView::Malformed(std::string_view what) const {
  return absl::DataLossError(Concat("batch of channel '", channel_, "', sequences ",
                                    first_sequence_, " to ", last_sequence_, ": ", what));
}

void BatchView::Clear() {
  channel_ = {};
  epoch_ = schema_id_ = first_sequence_ = last_sequence_ = filtered_ = sampled_ = lost_count_ = 0;
  clock_offset_ns_.reset();
  records_.clear();
  lost_.clear();
}

absl::Status BatchView::Parse(std::string_view bytes) {
  Clear();
  absl::Status status = ParseFields(bytes);
  if (status.ok()) status = CheckOrder();
  if (status.ok()) status = CheckArithmetic();
  if (!status.ok()) Clear();
  return status;
}

absl::Status BatchView::ParseFields(std::string_view bytes) {
  WireReader reader(bytes);
  while (!reader.done()) {
    uint32_t field;
    WireType type;
    if (!reader.ReadTag(&field, &type)) return Malformed("bad tag");
    std::string_view element;
    bool ok;
    switch (Tag(field, type)) {
      case Tag(v1::Batch::kRecordsFieldNumber, WireType::kLengthDelimited):
        ok = reader.ReadBytes(&element) && ParseRecord(element, &records_.emplace_back());
        break;
      case Tag(v1::Batch::kLostFieldNumber, WireType::kLengthDelimited):
        lost_.push_back({.records_before = records_.size()});
        ok = reader.ReadBytes(&element) && ParseLost(element, &lost_.back());
        break;
      case Tag(v1::Batch::kChannelFieldNumber, WireType::kLengthDelimited):
        ok = reader.ReadBytes(&channel_);
        break;
      case Tag(v1::Batch::kEpochFieldNumber, WireType::kFixed64):
        ok = reader.ReadFixed64(&epoch_);
        break;
      case Tag(v1::Batch::kSchemaIdFieldNumber, WireType::kFixed64):
        ok = reader.ReadFixed64(&schema_id_);
        break;
      case Tag(v1::Batch::kFirstSequenceFieldNumber, WireType::kVarint):
        ok = reader.ReadVarint(&first_sequence_);
        break;
      case Tag(v1::Batch::kLastSequenceFieldNumber, WireType::kVarint):
        ok = reader.ReadVarint(&last_sequence_);
        break;
      case Tag(v1::Batch::kFilteredFieldNumber, WireType::kVarint):
        ok = reader.ReadVarint(&filtered_);
        break;
      case Tag(v1::Batch::kSampledFieldNumber, WireType::kVarint):
        ok = reader.ReadVarint(&sampled_);
        break;
      case Tag(v1::Batch::kClockOffsetNsFieldNumber, WireType::kFixed64):
        ok = reader.ReadFixed64(&clock_offset_ns_.emplace());
        break;
      default:
        ok = reader.Skip(type);
    }
    if (!ok) return Malformed(Concat("field ", field, " is truncated or malformed"));
  }
  if (channel_.empty()) return Malformed("no channel");
  if (epoch_ == 0) return Malformed("no epoch");
  return absl::OkStatus();
}

// Elements in order and inside the batch's numbers cannot overlap, so that the
// sum of their counts cannot overflow either.
absl::Status BatchView::CheckOrder() const {
  uint64_t behind = first_sequence_ == 0 ? 0 : first_sequence_ - 1;
  uint64_t out_of_order = 0;
  auto advance = [&](uint64_t first, uint64_t count) {
    if (first <= behind || first > last_sequence_ || last_sequence_ - first < count - 1) {
      if (out_of_order == 0) out_of_order = first == 0 ? 1 : first;
      return;
    }
    behind = first + count - 1;
  };
  ForEach([&](const RecordView& record) { advance(record.sequence, 1); },
          [&](const LostView& lost) {
            if (lost.count != 0) advance(lost.first_sequence, lost.count);
          });
  if (out_of_order == 0) return absl::OkStatus();
  return Malformed(Concat("sequence ", out_of_order, " is out of order or out of range"));
}

absl::Status BatchView::CheckArithmetic() {
  for (const LostView& lost : lost_) lost_count_ += lost.count;
  const uint64_t covered = records_.size() + lost_count_;
  if (sampled_ > filtered_) return Malformed("more sampled than filtered");
  if (first_sequence_ == 0) {
    if (covered == 0 && filtered_ == 0) return absl::OkStatus();
    return Malformed("covers no number but has records, losses or filtered numbers");
  }
  if (last_sequence_ < first_sequence_) return Malformed("ends before it starts");
  const uint64_t span = last_sequence_ - first_sequence_ + 1;
  // CheckOrder() has shown covered <= span; filtered_ may be anything.
  if (span - covered == filtered_) return absl::OkStatus();
  return Malformed(Concat("does not add up: ", span, " numbers, but ", records_.size(),
                          " records, ", lost_count_, " lost and ", filtered_, " filtered"));
}

absl::Status BatchView::SkipThrough(uint64_t sequence) {
  if (first_sequence_ == 0 || sequence < first_sequence_) return absl::OkStatus();
  const auto first_kept =
      std::find_if(records_.begin(), records_.end(),
                   [&](const RecordView& record) { return record.sequence > sequence; });
  const size_t skipped = first_kept - records_.begin();
  records_.erase(records_.begin(), first_kept);

  std::erase_if(lost_, [&](const LostView& lost) {
    return lost.count != 0 && lost.first_sequence + (lost.count - 1) <= sequence;
  });
  lost_count_ = 0;
  for (LostView& lost : lost_) {
    lost.records_before -= std::min(lost.records_before, skipped);
    if (lost.count != 0 && lost.first_sequence <= sequence) {
      lost.count -= sequence + 1 - lost.first_sequence;
      lost.first_sequence = sequence + 1;
    }
    lost_count_ += lost.count;
  }

  if (sequence >= last_sequence_) {
    first_sequence_ = filtered_ = sampled_ = 0;
    return absl::OkStatus();
  }
  first_sequence_ = sequence + 1;
  // Which of the filtered numbers were skipped is not known, but their sum is.
  const uint64_t remaining = last_sequence_ - first_sequence_ + 1 - records_.size() - lost_count_;
  if (remaining > filtered_) return Malformed("does not add up behind the cursor");
  filtered_ = remaining;
  sampled_ = std::min(sampled_, filtered_);
  return absl::OkStatus();
}

void BatchView::ExtendBack(uint64_t sequence, v1::LossStage stage, std::string_view cause) {
  if (first_sequence_ == 0 || sequence == 0 || sequence >= first_sequence_) return;
  const uint64_t count = first_sequence_ - sequence;
  lost_.insert(lost_.begin(),
               {.first_sequence = sequence, .count = count, .stage = stage, .cause = cause});
  lost_count_ += count;
  first_sequence_ = sequence;
}

}  // namespace kchan
