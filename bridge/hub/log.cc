// SPDX-License-Identifier: Apache-2.0
// The writer's side of a log; log_read.cc has the readers'.
#include "bridge/hub/log.h"

#include <algorithm>
#include <utility>

#include "bridge/hub/check.h"
#include "bridge/hub/element.h"

namespace kchan::hub {
namespace {

// The first segment of an epoch; each one after it is twice as long, up to
// segment_bytes. So a quiet channel takes little, and epochs that end quickly
// do not push history out with empty space.
constexpr size_t kFirstSegmentBytes = 16 << 10;

// At least four segments, or one eviction would take most of the history.
size_t SegmentBytes(const LogLimits& limits) {
  return std::min(limits.segment_bytes, limits.max_bytes / 4);
}

}  // namespace

Log::Log(const LogLimits& limits, std::shared_ptr<MemoryUse> use, std::shared_ptr<History> history)
    : segment_bytes_(SegmentBytes(limits)),
      use_(std::move(use)),
      history_(std::move(history)),
      max_bytes_(limits.max_bytes),
      may_be_held_(limits.may_be_held) {
  if (history_ != nullptr) Restore();
  use_->Join(this);
}

Log::~Log() {
  use_->Leave(this);
  Dropped dropped;
  const std::lock_guard lock(mutex_);
  while (!entries_.empty() || !open_.empty()) DropOldestLocked(dropped);
}

void Log::StartEpoch(uint64_t epoch, uint64_t schema_id, uint64_t next_sequence, bool has_history,
                     uint64_t history_end) {
  KCHAN_CHECK(epoch != 0, "0 is no epoch");
  next_sequence = std::max<uint64_t>(next_sequence, 1);
  const bool same_epoch = epoch == epoch_;
  if (same_epoch && next_sequence > next_sequence_) {
    Loss loss{.count = next_sequence - next_sequence_,
              .stage = LossStage::kSource,
              .cause = "numbers skipped"};
    if (is_restored_) {
      loss.stage = LossStage::kDaemonRestart;
      loss.cause = "only in the memory of a daemon that ended";
    }
    AppendLoss(loss);
  } else if (same_epoch && is_restored_) {
    kept_below_ = next_sequence_;
    next_sequence_ = published_next_ = next_sequence;
  }
  if (is_restored_) {
    GoOnFromHistory(same_epoch, has_history, has_history ? history_end : next_sequence - 1);
  }
  if (same_epoch && schema_id == schema_id_) return;

  Publish();
  EndSegment();
  schema_id_ = schema_id;
  Dropped dropped;
  const std::lock_guard lock(mutex_);
  if (same_epoch) {
    runs_.back().schema_id = schema_id;
    return;
  }
  epoch_ = epoch;
  next_sequence_ = published_next_ = next_sequence;
  kept_below_ = 0;
  begin_ns_ = 0;
  if (!runs_.empty()) runs_.back().has_history = false;
  runs_.push_back({.id = ++run_,
                   .epoch = epoch,
                   .schema_id = schema_id,
                   .first_sequence = next_sequence,
                   .last_sequence = next_sequence - 1,
                   .has_history = has_history,
                   .had_history = has_history,
                   .is_live = !has_history,
                   .history_end = history_end});
  ForgetRunsLocked(dropped);
  // A reader may have to be told of what was before next_sequence.
  waiters_.NotifyAll();
}

uint64_t Log::Append(const RecordHeader& header, std::span<const std::byte> payload) {
  if (next_sequence_ < kept_below_) [[unlikely]]
    return next_sequence_++;
  const RecordSize size = SizeOfRecord(header, payload.size());
  if (std::byte* const to = PlaceFor(size.element); to != nullptr) [[likely]] {
    write_ = PutRecord(to, size, next_sequence_, header, payload);
  } else {
    ForgetRecord(header.boottime_ns);
  }
  last_loss_at_ = nullptr;
  newest_ns_ = std::max(newest_ns_, header.boottime_ns);
  if (begin_ns_ == 0) [[unlikely]]
    begin_ns_ = header.boottime_ns;
  ++counted_.records;
  counted_.record_bytes += size.element;
  return next_sequence_++;
}

void Log::AppendLoss(const Loss& loss) {
  Loss joined = loss;
  if (next_sequence_ < kept_below_) {
    const uint64_t kept = std::min(loss.count, kept_below_ - next_sequence_);
    next_sequence_ += kept;
    joined.count -= kept;
    if (joined.count == 0) return;
  }
  if (Joins(joined)) {
    // Write the last element again, longer.
    joined.count += last_loss_.count;
    next_sequence_ -= last_loss_.count;
    write_ = last_loss_at_;
  }
  joined.first_sequence = joined.count == 0 ? 0 : next_sequence_;

  std::byte* const to = PlaceFor(SizeOfLoss(joined));
  if (to != nullptr) write_ = PutLoss(to, joined);
  last_loss_at_ = to;
  last_loss_ = joined;
  next_sequence_ += joined.count;
  counted_.lost[static_cast<size_t>(loss.stage) % kLossStages] += loss.count;
}

// There is no memory for the record that comes next.
void Log::ForgetRecord(uint64_t boottime_ns) {
  ++unkept_records_;
  const std::lock_guard lock(mutex_);
  evicted_.Extend({.run = run_, .first_sequence = next_sequence_, .newest_ns = boottime_ns});
}

// A loss of unknown count says something that a counted one does not.
bool Log::Joins(const Loss& loss) const {
  return last_loss_at_ != nullptr && last_loss_.stage == loss.stage && last_loss_.cpu == loss.cpu &&
         last_loss_.cause == loss.cause && (last_loss_.count == 0) == (loss.count == 0);
}

// Null: no memory, not even in place of what this log had.
std::byte* Log::PlaceFor(size_t bytes) {
  if (static_cast<size_t>(write_end_ - write_) < bytes) [[unlikely]] {
    if (!BeginSegment(bytes)) return nullptr;
  }
  return write_;
}

bool Log::BeginSegment(size_t bytes) {
  KCHAN_CHECK(epoch_ != 0, "StartEpoch() comes before the first append");
  const size_t last_capacity = open_.empty() ? 0 : open_.back().segment->capacity();
  const size_t capacity =
      std::max(bytes, std::min(segment_bytes_, std::max(kFirstSegmentBytes, 2 * last_capacity)));
  CloseEntry();
  if (!ReserveSegment(capacity)) {
    EndSegment();
    return false;
  }
  auto segment = std::make_shared<Segment>(capacity, epoch_, schema_id_, next_sequence_, use_);
  write_ = segment->bytes();
  write_end_ = write_ + capacity;
  // An allocator may give the same address again: compare with nothing old.
  published_ = nullptr;
  last_loss_at_ = nullptr;
  records_before_segment_ = counted_.records;
  newest_ns_ = 0;
  open_.push_back(
      {.segment = std::move(segment), .run = run_, .last_sequence = next_sequence_ - 1});
  return true;
}

// What has to go for it is freed before it is allocated: the bounds are of
// memory, not of history.
bool Log::ReserveSegment(size_t capacity) {
  {
    Dropped dropped;
    const std::lock_guard lock(mutex_);
    EvictLocked(capacity, dropped);
  }
  while (!use_->Reserve(capacity)) {
    // The others have only what they are writing: so this log's goes.
    Dropped dropped;
    const std::lock_guard lock(mutex_);
    if (entries_.empty() && open_.empty()) return false;
    DropOldestLocked(dropped);
  }
  const std::lock_guard lock(mutex_);
  bytes_ += capacity;
  return true;
}

void Log::CloseEntry() {
  if (open_.empty()) return;
  Entry& entry = open_.back();
  entry.bytes = static_cast<size_t>(write_ - entry.segment->bytes());
  entry.records = counted_.records - records_before_segment_;
  entry.last_sequence = next_sequence_ - 1;
  entry.newest_ns = newest_ns_;
}

void Log::EndSegment() {
  open_.clear();
  write_ = write_end_ = published_ = last_loss_at_ = nullptr;
}

void Log::CaughtUp() {
  Publish();
  const std::lock_guard lock(mutex_);
  if (runs_.empty() || !std::exchange(runs_.back().has_history, false)) return;
  Run& run = runs_.back();
  run.is_live = true;
  if (run.history_end == 0) run.history_end = run.last_sequence;
  // Who waits for a number that is not there now is told so.
  waiters_.NotifyAll();
}

void Log::Publish() {
  if (write_ == published_ && next_sequence_ == published_next_) return;
  Dropped dropped;
  const std::lock_guard lock(mutex_);
  PublishLocked();
  // Only if the bound was lowered since the last segment began.
  EvictLocked(0, dropped);
}

void Log::PublishLocked() {
  CloseEntry();
  for (Entry& entry : open_) {
    // The first one may have been published in part.
    if (!entries_.empty() && entries_.back().segment == entry.segment) {
      entries_.back() = entry;
    } else {
      entries_.push_back(entry);
      published_bytes_ += entry.segment->capacity();
    }
  }
  CountEvictableLocked();
  if (!open_.empty()) open_.erase(open_.begin(), open_.end() - 1);
  published_ = write_;
  published_next_ = next_sequence_;
  last_loss_at_ = nullptr;
  evicted_records_ += std::exchange(unkept_records_, 0);
  runs_.back().last_sequence = std::max(runs_.back().last_sequence, next_sequence_ - 1);
  runs_.back().begin_ns = begin_ns_;
  published_counters_ = counted_;
  waiters_.NotifyAll();
}

void Log::SetMaxBytes(size_t max_bytes) {
  Dropped dropped;
  const std::lock_guard lock(mutex_);
  max_bytes_.store(max_bytes, std::memory_order_relaxed);
  while (bytes_ > max_bytes && MayGiveUpLocked()) dropped.push_back(DropPublishedLocked());
  HoldsChangedLocked();
}

std::shared_ptr<const Segment> Log::GiveUpOldest() {
  const std::lock_guard lock(mutex_);
  return MayGiveUpLocked() ? DropPublishedLocked() : nullptr;
}

// Unpublished segments go too if they alone are too many: what was in them is
// then evicted before anybody saw it, and counts as that.
void Log::EvictLocked(size_t incoming, Dropped& dropped) {
  const size_t bound = max_bytes();
  // Without a segment to come the last one stays: it is being written.
  const size_t keep = incoming == 0 ? 1 : 0;
  while (bytes_ + incoming > bound && std::max(entries_.size(), open_.size()) > keep) {
    // A bound that was lowered can wait for a reader; what comes in cannot.
    if (incoming == 0 && !MayGiveUpLocked()) return;
    DropOldestLocked(dropped);
  }
}

// The writer's: it alone may take what it is writing.
void Log::DropOldestLocked(Dropped& dropped) {
  if (entries_.empty()) {
    Entry victim = std::move(open_.front());
    open_.erase(open_.begin());
    return dropped.push_back(LetGoLocked(std::move(victim)));
  }
  if (!open_.empty() && open_.front().segment == entries_.front().segment) {
    entries_.front() = std::move(open_.front());  // with what is not published yet
    open_.erase(open_.begin());
  }
  dropped.push_back(DropPublishedLocked());
}

std::shared_ptr<const Segment> Log::DropPublishedLocked() {
  Entry victim = std::move(entries_.front());
  entries_.pop_front();
  ++first_id_;
  published_bytes_ -= victim.segment->capacity();
  CountEvictableLocked();
  return LetGoLocked(std::move(victim));
}

std::shared_ptr<const Segment> Log::LetGoLocked(Entry victim) {
  bytes_ -= victim.segment->capacity();
  evicted_records_ += victim.records;
  evicted_.Add({.run = victim.run,
                .first_sequence = victim.segment->first_sequence(),
                .newest_ns = victim.newest_ns});
  // Without a reader it is gone in a moment, and was never pinned. Only the log
  // gives out segments, so nobody can join meanwhile.
  if (victim.segment.use_count() > 1) victim.segment->MarkEvicted();
  return std::move(victim.segment);
}

bool Log::MayGiveUpLocked() const { return entries_.size() > 1 && first_id_ < FirstHeldLocked(); }

void Log::CountEvictableLocked() {
  const size_t last = entries_.empty() ? 0 : entries_.back().segment->capacity();
  const size_t bytes = std::min(published_bytes_ - last, UnheldBytesLocked());
  evictable_bytes_.store(bytes, std::memory_order_relaxed);
}

void Log::ForgetRunsLocked(Dropped& dropped) {
  while (runs_.size() > max_epochs()) {
    while (!entries_.empty() && entries_.front().run == runs_.front().id) {
      DropOldestLocked(dropped);
    }
    runs_.pop_front();
    evicted_.ForgetBefore(runs_.front().id);
  }
}

LogExtent Log::extent() const {
  const std::lock_guard lock(mutex_);
  LogExtent extent{.bytes = bytes_,
                   .max_bytes = max_bytes(),
                   .records = published_counters_.records,
                   .record_bytes = published_counters_.record_bytes,
                   .evicted_records = evicted_records_,
                   .lost = published_counters_.lost};
  if (runs_.empty()) return extent;
  const Run& run = runs_.back();
  extent.epoch = run.epoch;
  extent.schema_id = run.schema_id;
  extent.last_sequence = run.last_sequence;
  const auto oldest = std::partition_point(entries_.begin(), entries_.end(),
                                           [&](const Entry& entry) { return entry.run < run.id; });
  if (oldest != entries_.end()) extent.oldest_sequence = oldest->segment->first_sequence();
  return extent;
}

}  // namespace kchan::hub
