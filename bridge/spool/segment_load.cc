// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/segment_load.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "bridge/hub/element.h"
#include "bridge/spool/segment_reader.h"

namespace kchan::spool {
namespace {

// The reader of the file that `view` means, and where its frames begin. Null:
// error is set.
std::unique_ptr<SegmentReader> OpenView(Files& files, const SegmentView& view, int& error,
                                        size_t& frames_at) {
  auto reader = SegmentReader::Open(files, view.path, error, view.bytes);
  if (reader == nullptr) return nullptr;
  const std::optional<DecodedHeader> decoded = reader->ReadHeader();
  const bool is_meant = decoded && decoded->header.epoch == view.facts.epoch &&
                        decoded->header.schema_id == view.facts.schema_id &&
                        decoded->header.first_sequence == view.facts.first_sequence;
  if (!is_meant) {
    error = reader->error() != 0 ? reader->error() : -EBADMSG;
    return nullptr;
  }
  frames_at = decoded->bytes;
  return reader;
}

bool Has(const FrameHeader& frame, uint64_t sequence) {
  if (frame.numbers() == 0) return frame.first_sequence >= sequence;
  return frame.last_sequence >= sequence;
}

class ChunkLoad {
 public:
  ChunkLoad(SegmentReader& reader, const SegmentView& view, uint64_t sequence, size_t budget,
            std::shared_ptr<hub::MemoryUse> use)
      : reader_(reader), view_(view), due_(sequence), budget_(budget), use_(std::move(use)) {}

  LoadedChunk Run(FrameWalker walker) {
    while (const std::optional<PlacedFrame> frame = walker.Next()) {
      loaded_.marks.push_back({frame->header.first_sequence, frame->offset});
      if (!Has(frame->header, due_)) continue;
      if (!Take(*frame)) return std::move(loaded_);
    }
    loaded_.error = reader_.error();
    // The rest of it, if the file has less than its name says.
    if (loaded_.error == 0) AddGap(view_.facts.last_sequence);
    return std::move(loaded_);
  }

 private:
  void AddGap(uint64_t last) {
    if (last >= due_) loaded_.gaps.push_back({due_, last});
  }

  // False: that is all.
  bool Take(const PlacedFrame& frame) {
    const FrameHeader& header = frame.header;
    const bool is_first = loaded_.chunk == nullptr;
    if (header.first_sequence > due_) {
      AddGap(header.first_sequence - 1);
      return false;
    }
    if (is_first) {
      const size_t capacity = std::max<size_t>(budget_, header.payload_bytes);
      loaded_.chunk = std::make_shared<hub::Segment>(
          capacity, view_.facts.epoch, view_.facts.schema_id, header.first_sequence, use_);
    }
    if (loaded_.chunk->capacity() - loaded_.bytes < header.payload_bytes) return false;
    const std::span<std::byte> to(loaded_.chunk->bytes() + loaded_.bytes, header.payload_bytes);
    if (!reader_.ReadPayload(header, frame.offset, to)) {
      loaded_.error = reader_.error();
      if (loaded_.error == 0) AddGap(header.last_sequence);
      if (is_first) loaded_.chunk = nullptr;
      return false;
    }
    loaded_.bytes += header.payload_bytes;
    loaded_.last_sequence = header.last_sequence;
    due_ = header.last_sequence + 1;
    return true;
  }

  SegmentReader& reader_;
  const SegmentView& view_;
  uint64_t due_;  // the number that comes next
  const size_t budget_;
  const std::shared_ptr<hub::MemoryUse> use_;
  LoadedChunk loaded_;
};

// The same within one frame's payload.
void PassIn(std::span<const std::byte> payload, uint64_t records, uint64_t last_sequence,
            PassedRecords& passed) {
  while (const std::optional<hub::Element> element = hub::ParseElement(payload)) {
    const uint64_t behind = passed.sequence + element->numbers;
    if (behind > last_sequence || (element->is_record && passed.records == records)) return;
    passed.records += element->is_record ? 1 : 0;
    passed.sequence = behind;
    payload = payload.subspan(element->bytes);
  }
}

}  // namespace

LoadedChunk LoadChunk(Files& files, const SegmentView& view, uint64_t sequence, size_t budget,
                      std::shared_ptr<hub::MemoryUse> use) {
  LoadedChunk failed;
  size_t frames_at = 0;
  const auto reader = OpenView(files, view, failed.error, frames_at);
  if (reader == nullptr) return failed;
  const Mark from = view.mark.value_or(Mark{view.facts.first_sequence, frames_at});
  return ChunkLoad(*reader, view, sequence, budget, std::move(use))
      .Run(FrameWalker(*reader, from.offset, from.sequence));
}

PassedRecords PassRecords(Files& files, const SegmentView& view, uint64_t records,
                          uint64_t last_sequence) {
  PassedRecords passed{.sequence = view.facts.first_sequence - 1};
  size_t frames_at = 0;
  const auto reader = OpenView(files, view, passed.error, frames_at);
  if (reader == nullptr) return passed;
  FrameWalker walker(*reader, frames_at, view.facts.first_sequence);
  std::vector<std::byte> payload;
  while (const std::optional<PlacedFrame> frame = walker.Next()) {
    const FrameHeader& header = frame->header;
    if (header.first_sequence > last_sequence) break;
    if (header.last_sequence <= last_sequence && header.records <= records - passed.records) {
      passed.records += header.records;
      passed.sequence = header.last_sequence;
      continue;
    }
    passed.sequence = header.first_sequence - 1;
    payload.resize(header.payload_bytes);
    if (reader->ReadPayload(header, frame->offset, payload)) {
      PassIn(payload, records, last_sequence, passed);
    }
    break;
  }
  passed.error = reader->error();
  return passed;
}

}  // namespace kchan::spool
