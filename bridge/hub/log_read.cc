// SPDX-License-Identifier: Apache-2.0
// The readers' side of a log.
//
// A position names the element that comes next by segment and offset. Segments
// have consecutive ids, so "evicted" is a comparison, and what was in them is
// counted by subtraction: nothing is kept for a reader.
#include <algorithm>
#include <utility>

#include "bridge/hub/element.h"
#include "bridge/hub/log.h"

namespace kchan::hub {
namespace {

Loss LossUpTo(LogPosition& position, uint64_t last, LossStage stage) {
  Loss loss{.first_sequence = position.cursor.sequence + 1,
            .count = last - position.cursor.sequence,
            .stage = stage};
  position.cursor.sequence = last;
  return loss;
}

// Advances `position` over whole elements of `bytes`, where it stands at the
// start, up to `budget` bytes; returns how many.
size_t AdvanceWithin(std::span<const std::byte> bytes, size_t budget, LogPosition& position) {
  size_t passed = 0;
  while (passed < bytes.size()) {
    const std::optional<Element> element = ParseElement(bytes.subspan(passed));
    if (!element || element->bytes > budget - passed) break;
    passed += element->bytes;
    position.cursor.sequence += element->numbers;
  }
  position.offset += passed;
  return passed;
}

// Shortens `batch` to max_bytes. `before` is the reader's place in front of
// the last slice; returns its place behind what is left.
LogPosition CutLastSlice(LogBatch& batch, size_t max_bytes, LogPosition before) {
  std::span<const std::byte>& last = batch.slices.back().bytes;
  const size_t others = batch.body_bytes - last.size();
  size_t kept = AdvanceWithin(last, max_bytes - std::min(max_bytes, others), before);
  if (kept == 0 && batch.slices.size() == 1) {
    // One element that alone is longer is given whole.
    if (const auto element = ParseElement(last)) kept = AdvanceWithin(last, element->bytes, before);
  }
  last = last.first(kept);
  batch.body_bytes = others + kept;
  if (kept == 0) batch.slices.pop_back();
  return before;
}

}  // namespace

LogBatch Log::Read(LogPosition& position, size_t max_bytes) const {
  LogBatch batch;
  LogPosition before;
  HistoryAnswer piece;
  {
    const std::lock_guard lock(mutex_);
    Found found = Resolve(position);
    if (!found) return batch;
    piece = std::move(found.piece);
    batch.epoch = position.cursor.epoch;
    batch.schema_id = position.schema_id;
    batch.loss = found.loss;
    batch.first_sequence = found.loss && found.loss->count != 0 ? found.loss->first_sequence
                                                                : position.cursor.sequence + 1;
    if (found.entry != nullptr) before = Gather(max_bytes, position, batch);
  }
  // Without the lock: the slices keep their segments, and published bytes do
  // not change.
  if (batch.body_bytes > max_bytes) {
    before.log_only = position.log_only;
    position = CutLastSlice(batch, max_bytes, before);
  }
  if (piece.chunk != nullptr) TakePiece(piece, max_bytes, position, batch);
  batch.last_sequence = position.cursor.sequence;
  if (batch.last_sequence < batch.first_sequence) batch.first_sequence = 0;
  return batch;
}

// Takes whole segments, the last one perhaps too long: returns the place in
// front of that one.
LogPosition Log::Gather(size_t max_bytes, LogPosition& position, LogBatch& batch) const {
  LogPosition before;
  while (const Entry* entry = Following(position)) {
    const Segment& segment = *entry->segment;
    const size_t unread = entry->bytes - position.offset;
    if (!batch.slices.empty()) {
      // Entries of one epoch have consecutive numbers: the oldest go first.
      const bool continues = entry->run == position.run && segment.schema_id() == batch.schema_id;
      const bool fits = batch.body_bytes + unread <= max_bytes;
      // A quarter is enough: ending with a segment saves the walk to cut one,
      // now and, since the next batch then begins with a segment, later.
      if (!continues || (!fits && batch.body_bytes >= max_bytes / 4)) break;
    }
    before = position;
    batch.slices.push_back(
        {.segment = entry->segment, .bytes = {segment.bytes() + position.offset, unread}});
    batch.body_bytes += unread;
    position.offset = entry->bytes;
    position.cursor.sequence = entry->last_sequence;
    if (batch.body_bytes >= max_bytes) break;
  }
  return before;
}

bool Log::Wait(const LogPosition& position, Waiter* waiter) const {
  const std::lock_guard lock(mutex_);
  LogPosition ahead = position;
  const Found found = Resolve(ahead);
  if (found.is_pending) {
    return history_->Wait(
        ahead.lookup ? *ahead.lookup : HistoryQuery{.run = ahead.run, .after = ahead.cursor},
        waiter);
  }
  if (found) return false;
  waiters_.Arm(waiter);
  return true;
}

void Log::Disarm(Waiter* waiter) const {
  const std::lock_guard lock(mutex_);
  waiters_.Disarm(waiter);
  if (history_ != nullptr) history_->Disarm(waiter);
}

// Moves `position` over what is gone, up to the next element. One loss at a
// time: what lies behind a second one, or in another epoch, is for the next
// call.
Log::Found Log::Resolve(LogPosition& position) const {
  const bool log_only = position.log_only;
  Found found = ResolveFrom(position, log_only);
  position.log_only = log_only;
  return found;
}

Log::Found Log::ResolveFrom(LogPosition& position, bool log_only) const {
  Found found;
  if (runs_.empty()) return found;
  if (position.lookup && !Place(position)) {
    found.is_pending = true;
    return found;
  }
  if (!PassHistory(position)) return found;
  if (position.run < runs_.front().id) {
    if (position.unknown_epoch && IsAwaited(position.cursor)) return found;
    found.loss = Rejoin(position);
  }
  for (;;) {
    const Run& run = RunOf(position);
    position.schema_id = run.schema_id;
    if (position.owed) {
      found.loss = std::exchange(position.owed, std::nullopt);
      position.cursor.sequence += found.loss->count;
    }
    if (position.cursor.sequence + 1 < run.first_sequence) {
      // The first loss here: what precedes it is in another epoch.
      found.loss = LossUpTo(position, run.first_sequence - 1, LossStage::kDaemonRestart);
    }

    const Entry* entry = Following(position);
    const bool in_run = entry != nullptr && entry->run == run.id;
    if (in_run && position.offset == 0 &&
        entry->segment->first_sequence() <= position.cursor.sequence) {
      // From the history, whose pieces end elsewhere.
      position = Locate(run, position.cursor.sequence);
      continue;
    }
    // Everything below this is behind the reader, here or evicted.
    uint64_t passed = run.last_sequence;
    if (in_run) {
      passed =
          position.offset == 0 ? entry->segment->first_sequence() - 1 : position.cursor.sequence;
    }
    if (position.cursor.sequence < passed) {
      if (found.loss) return found;
      if (history_ != nullptr && !log_only) return FromHistory(position, passed);
      found.loss = LossUpTo(position, passed, LossStage::kLogEviction);
    }
    if (in_run) {
      position.schema_id = entry->segment->schema_id();
      found.entry = entry;
      return found;
    }
    if (found.loss || run.id == runs_.back().id) return found;
    ++position.run;
    position.cursor = {.epoch = RunOf(position).epoch, .sequence = 0};
    if (run.ended_unseen) {
      position.schema_id = RunOf(position).schema_id;
      found.loss = Loss{.stage = LossStage::kDaemonRestart};
      return found;
    }
  }
}

// The entry that holds the next element, whatever its epoch; moves `position`
// there. Null if there is none yet.
const Log::Entry* Log::Following(LogPosition& position) const {
  if (position.segment_id < first_id_) {
    position.segment_id = first_id_;
    position.offset = 0;
  }
  const uint64_t end_id = first_id_ + entries_.size();
  while (position.segment_id < end_id) {
    const Entry& entry = entries_[position.segment_id - first_id_];
    if (position.offset < entry.bytes) return &entry;
    // The last one may still grow.
    if (position.segment_id + 1 == end_id) return nullptr;
    ++position.segment_id;
    position.offset = 0;
  }
  return nullptr;
}

}  // namespace kchan::hub
