// SPDX-License-Identifier: Apache-2.0
// The readers' side of a log.
//
// A position names the element that comes next by segment and offset. Segments
// have consecutive ids, so "evicted" is a comparison, and what was in them is
// counted by subtraction: nothing is kept for a reader.
#include <algorithm>
#include <limits>
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
    batch = BatchOf(found, position);
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

LogBatch Log::ReadSegment(LogPosition& position, LogPosition& front) const {
  LogBatch batch;
  HistoryAnswer piece;
  {
    const std::lock_guard lock(mutex_);
    Found found = Resolve(position);
    front = position;
    if (!found) return batch;
    piece = std::move(found.piece);
    batch = BatchOf(found, position);
    if (found.entry != nullptr) TakeRest(*found.entry, position, batch);
  }
  if (piece.chunk != nullptr) {
    TakePiece(piece, std::numeric_limits<size_t>::max(), position, batch);
    if (batch.loss) front.cursor.sequence += batch.loss->count;
    front.segment_id = LogPosition::kInHistory;
    front.offset = position.offset - batch.body_bytes;
  }
  batch.last_sequence = position.cursor.sequence;
  if (batch.last_sequence < batch.first_sequence) batch.first_sequence = 0;
  return batch;
}

// A batch that begins with what was found at `position`.
LogBatch Log::BatchOf(const Found& found, const LogPosition& position) {
  LogBatch batch;
  batch.epoch = position.cursor.epoch;
  batch.schema_id = position.schema_id;
  batch.loss = found.loss;
  batch.first_sequence = found.loss && found.loss->count != 0 ? found.loss->first_sequence
                                                              : position.cursor.sequence + 1;
  return batch;
}

// Takes what is unread of the segment that `position` is in.
void Log::TakeRest(const Entry& entry, LogPosition& position, LogBatch& batch) {
  const size_t unread = entry.bytes - position.offset;
  batch.slices.push_back(
      {.segment = entry.segment, .bytes = {entry.segment->bytes() + position.offset, unread}});
  batch.body_bytes += unread;
  position.offset = entry.bytes;
  position.cursor.sequence = entry.last_sequence;
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
    TakeRest(*entry, position, batch);
    if (batch.body_bytes >= max_bytes) break;
  }
  return before;
}

std::optional<Loss> Log::SkipTo(const LogPosition& to, LossStage stage,
                                LogPosition& position) const {
  const std::lock_guard lock(mutex_);
  // An epoch that was forgotten meanwhile is for Read() to tell of.
  if (runs_.empty() || position.run < runs_.front().id) return std::nullopt;
  const bool is_near = to.run == position.run;
  const uint64_t last = is_near ? to.cursor.sequence : RunOf(position).last_sequence;
  if (to.run < position.run || last <= position.cursor.sequence) return std::nullopt;
  const Loss loss = LossUpTo(position, last, stage);
  position = is_near ? to : Locate(RunOf(position), last);
  return loss;
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

bool Log::IsPending(const LogPosition& position) const {
  const std::lock_guard lock(mutex_);
  LogPosition ahead = position;
  return Resolve(ahead).is_pending;
}

void Log::Disarm(Waiter* waiter) const {
  const std::lock_guard lock(mutex_);
  waiters_.Disarm(waiter);
  room_waiters_.Disarm(waiter);
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
  if (position.segment_id == LogPosition::kInHistory) position.segment_id = position.offset = 0;
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

// Puts a reader that wants what is new where that begins; false: it is not known
// yet. Epochs that were over before kchand came to them are history as a whole.
bool Log::PassHistory(LogPosition& position) const {
  if (!position.after_history) return true;
  if (runs_.front().id > std::max<uint64_t>(position.run, 1)) {
    // Too much has come meanwhile: the reader is told so.
    position.after_history = false;
    return true;
  }
  const auto live = std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) {
    return run.id >= position.run && run.is_live;
  });
  if (live == runs_.end()) return false;
  const uint64_t end = std::max(live->history_end, live->first_sequence - 1);
  position = Locate(*live, std::min(end, live->last_sequence));
  return true;
}

// For a position that belongs to no epoch that the log knows: finds its place
// after all, or puts it at the oldest and says that something is missing.
std::optional<Loss> Log::Rejoin(LogPosition& position) const {
  const bool forgot = runs_.front().id > 1;
  if (position.run == 0 && !position.unknown_epoch && !forgot) {
    // It was there before the first epoch: it starts with that.
    position.run = runs_.front().id;
    position.cursor = {.epoch = runs_.front().epoch, .sequence = runs_.front().first_sequence - 1};
    return std::nullopt;
  }
  if (const std::optional<LogPosition> place = Find(position.cursor)) {
    position = *place;
    return std::nullopt;
  }
  position = Oldest();
  return Loss{.stage = forgot ? LossStage::kLogEviction : LossStage::kDaemonRestart};
}

// Whether it may still come: history is being read.
bool Log::IsAwaited(const Cursor& cursor) const {
  const Run* run = FindRun(cursor);
  return run != nullptr ? run->IsAwaited(cursor.sequence) : runs_.back().has_history;
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
