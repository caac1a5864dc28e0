// SPDX-License-Identifier: Apache-2.0
// What a log and its history have to do with each other.
//
// The history's epochs are the log's first ones, as if everything in them had
// been evicted. So a reader needs no second kind of place: where the log finds
// that a number was evicted, it asks the history before it says that it is lost.
#include <algorithm>
#include <optional>
#include <utility>

#include "bridge/hub/element.h"
#include "bridge/hub/log.h"

namespace kchan::hub {

void Log::Restore() {
  std::vector<HistoryEpoch> epochs = history_->epochs();
  if (epochs.empty()) return;
  if (epochs.size() > kMaxHistoryEpochs) {
    epochs.erase(epochs.begin(), epochs.end() - kMaxHistoryEpochs);
  }
  const std::lock_guard lock(mutex_);
  for (const HistoryEpoch& each : epochs) {
    if (!runs_.empty()) runs_.back().ended_unseen = each.after_unseen;
    // From 1 on: what it no longer has of them was deleted.
    runs_.push_back({.id = ++run_,
                     .epoch = each.epoch,
                     .schema_id = each.schema_id,
                     .first_sequence = 1,
                     .last_sequence = each.last_sequence});
  }
  runs_.back().is_restored = true;
  restored_end_ = Newest();
  is_restored_ = true;
  epoch_ = epochs.back().epoch;
  schema_id_ = epochs.back().schema_id;
  next_sequence_ = published_next_ = epochs.back().last_sequence + 1;
}

// The first epoch starts under this daemon: either the last one of the history
// goes on, or it has ended, nobody knows with what. `before`: the number in front
// of what is new, or 0.
void Log::GoOnFromHistory(bool same_epoch, bool has_history, uint64_t before) {
  is_restored_ = false;
  Publish();
  const std::lock_guard lock(mutex_);
  Run& run = runs_.back();
  run.is_restored = false;
  run.ended_unseen = !same_epoch;
  if (same_epoch) {
    run.has_history = run.had_history = has_history;
    run.is_live = !has_history;
    run.history_end = before;
  }
  // Who waits for a number of it may be told now that there is none.
  waiters_.NotifyAll();
}

// Where the reader is, numbers up to `passed` are not in the log.
Log::Found Log::FromHistory(LogPosition& position, uint64_t passed) const {
  Found found;
  position.segment_id = LogPosition::kInHistory;
  position.offset = 0;
  HistoryAnswer answer = history_->Ask({.run = position.run, .after = position.cursor});
  switch (answer.kind) {
    case HistoryAnswer::Kind::kChunk:
      position.schema_id = answer.chunk->schema_id();
      found.piece = std::move(answer);
      return found;
    case HistoryAnswer::Kind::kGap: {
      const uint64_t first = position.cursor.sequence + 1;
      const uint64_t last = std::clamp(answer.last_sequence, first, passed);
      position.cursor.sequence = last;
      found.loss = Loss{.first_sequence = first,
                        .count = last - first + 1,
                        .stage = answer.blame.stage,
                        .cause = answer.blame.cause};
      return found;
    }
    default:
      found.is_pending = true;
      return found;
  }
}

// Takes elements of a piece into an empty batch: what is behind `position`, up
// to max_bytes, but at least one element. Without the lock.
void Log::TakePiece(const HistoryAnswer& piece, size_t max_bytes, LogPosition& position,
                    LogBatch& batch) {
  std::span<const std::byte> rest(piece.chunk->bytes(), piece.chunk_bytes);
  uint64_t& reached = position.cursor.sequence;
  uint64_t passed = piece.chunk->first_sequence() - 1;
  const bool begins_inside = passed < reached;
  std::optional<Element> element = ParseElement(rest);
  for (; element && passed < reached; element = ParseElement(rest)) {
    passed += element->numbers;
    rest = rest.subspan(element->bytes);
    if (passed <= reached) continue;
    // Inside a loss: its first part is behind the reader.
    batch.loss = ParseLoss(*element);
    batch.loss->first_sequence = reached + 1;
    batch.loss->count = passed - reached;
    reached = passed;
  }
  // What takes no number is given with what is in front of it.
  for (; element && begins_inside && element->numbers == 0; element = ParseElement(rest)) {
    rest = rest.subspan(element->bytes);
  }
  batch.clock_offset_ns = piece.clock_offset_ns;
  size_t taken = 0;
  for (; element; element = ParseElement(rest.subspan(taken))) {
    if (taken > 0 && element->bytes > max_bytes - std::min(max_bytes, taken) &&
        element->numbers > 0)
      break;
    taken += element->bytes;
    reached += element->numbers;
  }
  if (taken > 0) batch.slices.push_back({.segment = piece.chunk, .bytes = rest.first(taken)});
  batch.body_bytes = taken;
  position.segment_id = LogPosition::kInHistory;
  position.offset = static_cast<size_t>(rest.data() - piece.chunk->bytes()) + taken;
}

// Puts `position` where the history says that it is; false: it has not said.
bool Log::Place(LogPosition& position) const {
  const HistoryAnswer answer = history_->Ask(*position.lookup);
  if (answer.kind != HistoryAnswer::Kind::kPlace) return false;
  const Run* run = answer.place.epoch == 0 ? nullptr : FindRun(answer.place);
  if (run == nullptr) {
    position = Oldest();
  } else {
    position = InHistory(*run, answer.place);
  }
  return true;
}

// Nothing if the log itself has all that there is.
std::optional<LogPosition> Log::OldestInHistory() const {
  if (history_ == nullptr) return std::nullopt;
  const std::optional<Cursor> oldest = history_->oldest();
  if (!oldest) return std::nullopt;
  const auto run = std::find_if(runs_.begin(), runs_.end(),
                                [&](const Run& each) { return each.epoch == oldest->epoch; });
  if (run == runs_.end()) return std::nullopt;
  if (!entries_.empty()) {
    const Entry& entry = entries_.front();
    const bool is_in_log =
        entry.run < run->id ||
        (entry.run == run->id && entry.segment->first_sequence() - 1 <= oldest->sequence);
    if (is_in_log) return std::nullopt;
  }
  return InHistory(*run, *oldest);
}

// Nothing if what is as young as that has all come under this daemon: the log
// knows better then. Else in front of the first file that has something written
// since; what was deleted and may have been as young is lost.
std::optional<LogPosition> Log::SinceInHistory(int64_t utc_ns) const {
  if (history_ == nullptr) return std::nullopt;
  const std::optional<Cursor> place = history_->Since(utc_ns);
  if (!place) return std::nullopt;
  const auto run = std::find_if(runs_.begin(), runs_.end(),
                                [&](const Run& each) { return each.epoch == place->epoch; });
  if (run == runs_.end()) return std::nullopt;
  const LogPosition found = InHistory(*run, *place);
  return found.HasReached(restored_end_) ? std::nullopt : std::optional(found);
}

LogPosition Log::InHistory(const Run& run, const Cursor& cursor) const {
  return {.cursor = cursor,
          .schema_id = run.schema_id,
          .run = run.id,
          .segment_id = LogPosition::kInHistory};
}

}  // namespace kchan::hub
