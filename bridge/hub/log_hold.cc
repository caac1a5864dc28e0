// SPDX-License-Identifier: Apache-2.0
// What a log must keep for readers that hold it, and what is left to its writer.
#include "bridge/hub/log_hold.h"

#include <algorithm>
#include <cstdint>

namespace kchan::hub {

LogHold::LogHold(Log& log, const LogPosition& position) : log_(log) {
  const std::lock_guard lock(log_.mutex_);
  at_ = log_.holds_.insert(log_.holds_.end(), position);
  log_.hold_count_.store(log_.holds_.size());
  log_.CountEvictableLocked();
}

LogHold::~LogHold() {
  const std::lock_guard lock(log_.mutex_);
  log_.holds_.erase(at_);
  log_.hold_count_.store(log_.holds_.size());
  log_.HoldsChangedLocked();
}

void LogHold::MoveTo(const LogPosition& position) {
  const std::lock_guard lock(log_.mutex_);
  *at_ = position;
  log_.HoldsChangedLocked();
}

// The first segment that somebody holds; those before it may go.
uint64_t Log::FirstHeldLocked() const {
  const uint64_t end_id = first_id_ + entries_.size();
  uint64_t first = UINT64_MAX;
  for (LogPosition hold : holds_) {
    // One that waits for the end of a history holds nothing of that.
    if (runs_.empty() || !PassHistory(hold)) continue;
    // One that is still to come to what is here loses nothing: it is on its way
    // through the history, which has what the log drops.
    if (hold.lookup || hold.segment_id == LogPosition::kInHistory) continue;
    uint64_t id = std::max(hold.segment_id, first_id_);
    // One that was read to its end is not needed any more, even if it may grow.
    const bool is_read =
        id < end_id && id == hold.segment_id && hold.offset == entries_[id - first_id_].bytes;
    first = std::min(first, is_read ? id + 1 : id);
  }
  return first;
}

size_t Log::UnheldBytesLocked() const {
  const uint64_t first_held = FirstHeldLocked();
  if (first_held >= first_id_ + entries_.size()) return published_bytes_;
  size_t bytes = 0;
  for (uint64_t id = first_id_; id < first_held; ++id) {
    bytes += entries_[id - first_id_].segment->capacity();
  }
  return bytes;
}

// What its bound leaves beside what is held.
size_t Log::FreeBytesLocked() const {
  const size_t kept = bytes_ - UnheldBytesLocked();
  return max_bytes() - std::min(max_bytes(), kept);
}

size_t Log::RoomLocked() const {
  if (holds_.empty()) return SIZE_MAX;
  // A quarter of a segment's worth of ring space, and the one record that may go
  // beyond it, are less than a segment when encoded. It takes new segments of at
  // most twice a segment's bytes to hold that, since they grow by doubling.
  return FreeBytesLocked() / (2 * segment_bytes_) * (segment_bytes_ / 4);
}

size_t Log::Room() const {
  if (hold_count_.load() == 0) return SIZE_MAX;
  const std::lock_guard lock(mutex_);
  return RoomLocked();
}

bool Log::WaitForRoom(Waiter* waiter) const {
  const std::lock_guard lock(mutex_);
  if (RoomLocked() != 0) return false;
  room_waiters_.Arm(waiter);
  return true;
}

void Log::HoldsChangedLocked() {
  CountEvictableLocked();
  // Not for each segment: a writer that finds room for one would sleep again at
  // once. Readers that have read everything leave more than this.
  const size_t enough = std::max(2 * segment_bytes_, max_bytes() / 4);
  if (holds_.empty() || FreeBytesLocked() >= enough) room_waiters_.NotifyAll();
}

}  // namespace kchan::hub
