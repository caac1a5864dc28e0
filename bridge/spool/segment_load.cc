// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/segment_load.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "bridge/hub/element.h"
#include "bridge/spool/segment_reader.h"

namespace kchan::spool {
namespace {

// The reader of the file that `view` means, and what its header says. Null: error
// is set.
std::unique_ptr<SegmentReader> OpenView(Files& files, const SegmentView& view, int& error,
                                        DecodedHeader& header) {
  auto reader = SegmentReader::Open(files, view.path, error, view.bytes);
  if (reader == nullptr && error == -ENOENT) {  // has its last name since it was looked up?
    reader = SegmentReader::Open(files, view.last_path, error, view.bytes);
  }
  if (reader == nullptr) return nullptr;
  const std::optional<DecodedHeader> decoded = reader->ReadHeader();
  const bool is_meant = decoded && decoded->header.epoch == view.facts.epoch &&
                        decoded->header.schema_id == view.facts.schema_id &&
                        decoded->header.first_sequence == view.facts.first_sequence;
  if (!is_meant) {
    error = reader->error() != 0 ? reader->error() : -EBADMSG;
    return nullptr;
  }
  header = *decoded;
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
      use_->history_bytes.fetch_add(capacity, std::memory_order_relaxed);
      loaded_.chunk = std::make_shared<hub::Segment>(capacity, view_.facts.epoch,
                                                     view_.facts.schema_id, header.first_sequence,
                                                     use_, &hub::MemoryUse::history_bytes);
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
  LoadedChunk loaded;
  DecodedHeader header;
  const auto reader = OpenView(files, view, loaded.error, header);
  if (reader == nullptr) return loaded;
  const Mark from = view.mark.value_or(Mark{view.facts.first_sequence, header.bytes});
  loaded = ChunkLoad(*reader, view, sequence, budget, std::move(use))
               .Run(FrameWalker(*reader, from.offset, from.sequence));
  loaded.boot_id = std::move(header.header.boot_id);
  loaded.clock_offset_ns = header.header.clock_offset_ns;
  return loaded;
}

PassedRecords PassRecords(Files& files, const SegmentView& view, uint64_t records,
                          uint64_t last_sequence) {
  PassedRecords passed{.sequence = view.facts.first_sequence - 1};
  DecodedHeader header;
  const auto reader = OpenView(files, view, passed.error, header);
  if (reader == nullptr) return passed;
  FrameWalker walker(*reader, header.bytes, view.facts.first_sequence);
  std::vector<std::byte> payload;
  while (const std::optional<PlacedFrame> frame = walker.Next()) {
    const FrameHeader& facts = frame->header;
    if (facts.first_sequence > last_sequence) break;
    if (facts.last_sequence <= last_sequence && facts.records <= records - passed.records) {
      passed.records += facts.records;
      passed.sequence = facts.last_sequence;
      continue;
    }
    passed.sequence = facts.first_sequence - 1;
    payload.resize(facts.payload_bytes);
    if (reader->ReadPayload(facts, frame->offset, payload)) {
      PassIn(payload, records, last_sequence, passed);
    }
    break;
  }
  passed.error = reader->error();
  return passed;
}

}  // namespace kchan::spool
