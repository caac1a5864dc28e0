// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_LOG_H_
#define KCHAN_BRIDGE_HUB_LOG_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "bridge/hub/evicted_spans.h"
#include "bridge/hub/histogram.h"
#include "bridge/hub/history.h"
#include "bridge/hub/log_batch.h"
#include "bridge/hub/log_position.h"
#include "bridge/hub/patience.h"
#include "bridge/hub/record.h"
#include "bridge/hub/segment.h"
#include "bridge/hub/waiter.h"

namespace kchan::hub {

// Bytes are of allocated memory. The segment that is being written is always
// kept, also where it alone is longer than max_bytes.
struct LogLimits {
  size_t max_bytes = 8 << 20;        // of all segments
  size_t segment_bytes = 256 << 10;  // small: a stalled reader pins whole ones
  bool may_be_held = false;          // by LogHold: its owner allows it
};

// What is in a log now.
struct LogExtent {
  uint64_t epoch = 0;  // the current one; 0: never had any
  uint64_t schema_id = 0;
  uint64_t oldest_sequence = 0;  // of `epoch`, still kept; 0: none
  uint64_t last_sequence = 0;    // of `epoch`, published
  size_t bytes = 0;              // allocated
  size_t max_bytes = 0;
  uint64_t records = 0;  // ever appended; and their bytes
  uint64_t record_bytes = 0;
  uint64_t evicted_records = 0;
  std::array<uint64_t, kLossStages> lost = {};  // ever appended, by LossStage
};

// One channel's bounded history, in wire format: each record and each loss is
// one encoded element of kchan.v1.Batch, appended once and never copied again.
//
// Writing. The writer starts an epoch, then appends and publishes; only
// published elements are visible. Numbers are assigned here and nowhere else:
// each record takes the next one, each loss the next `count`. Evicts its
// oldest segments to stay within max_bytes, and any log's to stay within what
// all may hold together; where nobody has one to give, not even this, what is
// appended is evicted at once.
//
// Reading. Each reader has its own LogPosition; nothing that it does or fails
// to do touches the writer or another reader. One that eviction has overtaken
// gets its loss, exactly counted, and goes on with the oldest kept. A reader
// crosses from one epoch to the next by itself. Of epochs the log remembers
// kMaxEpochs; a reader in an older one gets a loss of unknown count.
//
// With a history it begins where that ended: what it has dropped, and what was
// before it, is read from there, in pieces that may have to be waited for. Only
// what is not there either is lost.
//
// Thread safety: StartEpoch, Append*, Publish from one thread at a time (the
// writer's; each log may have its own); everything else from any. Append* take
// the lock only where they begin a segment.
class Log {
 public:
  Log(const LogLimits& limits, std::shared_ptr<MemoryUse> use,
      std::shared_ptr<History> history = nullptr);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Begins a new numbering. Numbers below next_sequence belong to the epoch
  // but were never in this log: a cursor that points there is told that they
  // were lost in a daemon's restart. Publishes what was appended before.
  // Starting the current epoch again with its own next number does nothing.
  //
  // `has_history`: numbers from next_sequence on may have been given out by an
  // earlier daemon already, and come once more before CaughtUp(), or before
  // another epoch. Until then a cursor beyond what was published is waited for,
  // and, since other epochs' history may follow, one of an unknown epoch.
  // `history_end`: its last number; 0: known when it has been read.
  void StartEpoch(uint64_t epoch, uint64_t schema_id, uint64_t next_sequence,
                  bool has_history = false, uint64_t history_end = 0);

  // What comes now is new.
  void CaughtUp();

  // The number that StartEpoch(epoch) goes on with at the least: 1, but where
  // the log, or its history, has that epoch now. Writer only.
  uint64_t NextIn(uint64_t epoch) const { return epoch == epoch_ ? next_sequence_ : 1; }

  // Appends one record; returns its number. Invalidates nothing. Needs an
  // epoch.
  uint64_t Append(const RecordHeader& header, std::span<const std::byte> payload);

  // Appends a loss, which takes the next `count` numbers. Joined with the
  // element before it if that is an unpublished loss of the same stage, CPU
  // and cause.
  void AppendLoss(const Loss& loss);

  // Makes everything appended visible and notifies armed waiters.
  void Publish();

  // How many bytes of ring space the writer may append now so that nothing is
  // evicted which a reader holds; 0: none, until a waiter armed by WaitForRoom()
  // is notified. A writer that does not ask evicts all the same. What it says
  // holds for the writer, before its next append.
  size_t Room() const;
  // Arms `waiter` to be notified once when there is room. Returns false, and
  // does not arm, if there is already.
  bool WaitForRoom(Waiter* waiter) const;

  // The number that the next record gets. Writer only.
  uint64_t next_sequence() const { return next_sequence_; }

  // Holds at once, but for what is being written: from the next publication on.
  void SetMaxBytes(size_t max_bytes);
  size_t max_bytes() const { return max_bytes_.load(std::memory_order_relaxed); }

  // Whether readers may hold it: asked before a LogHold is made.
  bool may_be_held() const { return may_be_held_.load(std::memory_order_relaxed); }
  void SetMayBeHeld(bool may_be_held) { may_be_held_.store(may_be_held); }

  // Where a reader that asks for `start` is. Nothing if it is a cursor of a
  // known epoch beyond what was published: the caller's mistake. A cursor may
  // come before its epoch, as after a daemon's restart: it is looked up again
  // when the log has something.
  std::optional<LogPosition> Seek(const Start& start) const;

  // Behind everything that is published.
  LogPosition End() const;

  // Reads from `position` on and advances it past what is returned: at most
  // max_bytes, but at least one element if there is any. Empty: nothing new.
  // Never waits.
  LogBatch Read(LogPosition& position, size_t max_bytes) const;

  // The same within one segment, and all that is published there: for who
  // chooses among the elements. `front` is the place of the slice, behind `loss`.
  LogBatch ReadSegment(LogPosition& position, LogPosition& front) const;
  // Moves `position` forward to `to`, or to the end of its epoch if `to` is in a
  // later one. What is between is returned, as a loss of `stage`; nothing if it
  // is there already.
  std::optional<Loss> SkipTo(const LogPosition& to, LossStage stage, LogPosition& position) const;

  // Arms `waiter` to be notified once when there is something to read at
  // `position`. Returns false, and does not arm, if there is already.
  bool Wait(const LogPosition& position, Waiter* waiter) const;

  // How many numbers there are behind `position`, of all epochs; 0 for a reader that
  // waits for what is new.
  uint64_t NumbersBehind(const LogPosition& position) const;

  // Whether what comes next at `position` is on its way from the history: it is
  // not the end, though there is nothing now.
  bool IsPending(const LogPosition& position) const;

  // After this returns `waiter` is not called by this log any more, by Wait() or
  // by WaitForRoom().
  void Disarm(Waiter* waiter) const;

  LogExtent extent() const;

  // How full each of the kernel's rings behind it was, of 1, each time its source
  // looked into it; of other sources nothing.
  Histogram& ring_fill() { return ring_fill_; }
  const Histogram& ring_fill() const { return ring_fill_; }

  Patience& patience() { return patience_; }

  // Null if it has none.
  const std::shared_ptr<History>& history() const { return history_; }

  // What GiveUpOldest() could drop, one after the other: all published
  // segments but the last, which may still be written to, and what is held.
  size_t evictable_bytes() const { return evictable_bytes_.load(std::memory_order_relaxed); }
  // Drops the oldest segment, which the caller frees; null if there is none
  // that may go.
  std::shared_ptr<const Segment> GiveUpOldest();

  static constexpr size_t kMaxEpochs = 64;
  static constexpr size_t kMaxHistoryEpochs = 1024;  // of a log with a history

 private:
  friend class LogHold;

  // One segment and how far it is filled.
  struct Entry {
    std::shared_ptr<Segment> segment;
    uint64_t run = 0;
    size_t bytes = 0;
    uint64_t records = 0;
    uint64_t last_sequence = 0;  // first_sequence - 1 if it covers none
    uint64_t newest_ns = 0;      // of its records' times; they need not be in order
  };

  // One epoch of the log. They are numbered from 1, since nothing forbids an
  // epoch to come back.
  struct Run {
    uint64_t id = 0;
    uint64_t epoch = 0;
    uint64_t schema_id = 0;
    uint64_t first_sequence = 0;
    uint64_t last_sequence = 0;  // published; first_sequence - 1 if none
    bool has_history = false;    // see StartEpoch(); until CaughtUp()
    bool had_history = false;    // ... for ever: cursors may be further than this is
    bool is_live = false;        // not all of it is history
    uint64_t history_end = 0;    // its last number, as far as that is known
    uint64_t begin_ns = 0;       // its first record's time; 0: none yet
    bool is_restored = false;    // from the history; it may go on, or have ended
    bool ended_unseen = false;   // what it ended with is not known

    bool IsAwaited(uint64_t sequence) const {
      return (has_history || is_restored) && sequence > last_sequence;
    }
  };

  struct Counters {
    uint64_t records = 0;
    uint64_t record_bytes = 0;
    std::array<uint64_t, kLossStages> lost = {};
  };

  // What a reader finds where it is: a loss, an entry with unread bytes at its
  // position, or neither.
  struct Found {
    std::optional<Loss> loss;
    const Entry* entry = nullptr;
    HistoryAnswer piece = {};  // of the history, if it has one
    bool is_pending = false;   // the history is still to say
    explicit operator bool() const { return loss || entry != nullptr || piece.chunk != nullptr; }
  };

  // log.cc: the writer's side.
  std::byte* PlaceFor(size_t bytes);
  void ForgetRecord(uint64_t boottime_ns);
  bool BeginSegment(size_t bytes);
  bool ReserveSegment(size_t capacity);
  void EndSegment();
  void CloseEntry();
  bool Joins(const Loss& loss) const;
  void PublishLocked();
  // These put what they drop into `dropped`, to be destroyed without the lock.
  using Dropped = std::vector<std::shared_ptr<const Segment>>;
  void EvictLocked(size_t incoming, Dropped& dropped);
  void DropOldestLocked(Dropped& dropped);
  std::shared_ptr<const Segment> DropPublishedLocked();
  std::shared_ptr<const Segment> LetGoLocked(Entry victim);
  bool MayGiveUpLocked() const;
  void CountEvictableLocked();
  void ForgetRunsLocked(Dropped& dropped);
  // log_hold.cc
  uint64_t FirstHeldLocked() const;
  size_t UnheldBytesLocked() const;
  size_t FreeBytesLocked() const;
  size_t RoomLocked() const;
  void HoldsChangedLocked();

  // log_read.cc: the readers' side. All need the lock.
  Found Resolve(LogPosition& position) const;
  Found ResolveFrom(LogPosition& position, bool log_only) const;
  bool PassHistory(LogPosition& position) const;
  static LogBatch BatchOf(const Found& found, const LogPosition& position);
  static void TakeRest(const Entry& entry, LogPosition& position, LogBatch& batch);
  LogPosition Gather(size_t max_bytes, LogPosition& position, LogBatch& batch) const;
  bool IsAwaited(const Cursor& cursor) const;
  std::optional<Loss> Rejoin(LogPosition& position) const;
  const Entry* Following(LogPosition& position) const;
  // log_seek.cc: where they start. All need the lock.
  const Run* FindRun(const Cursor& cursor) const;
  const Run& RunOf(const LogPosition& position) const { return RunOf(position.run); }
  const Run& RunOf(uint64_t run) const { return runs_[run - runs_.front().id]; }
  std::optional<LogPosition> Find(const Cursor& cursor) const;
  LogPosition Oldest() const;
  LogPosition OldestInLog() const;
  LogPosition Newest() const;
  LogPosition LastRecords(uint64_t records) const;
  LogPosition Since(const StartSince& since) const;
  LogPosition InFrontOf(const Run& run, uint64_t sequence, uint64_t since_ns) const;
  LogPosition Locate(const Run& run, uint64_t sequence) const;

  // log_history.cc: what the history has. All but the first three need the lock.
  void Restore();
  void GoOnFromHistory(bool same_epoch, bool has_history, uint64_t before);
  static void TakePiece(const HistoryAnswer& piece, size_t max_bytes, LogPosition& position,
                        LogBatch& batch);
  Found FromHistory(LogPosition& position, uint64_t passed) const;
  bool Place(LogPosition& position) const;
  std::optional<LogPosition> OldestInHistory() const;
  std::optional<LogPosition> SinceInHistory(int64_t utc_ns) const;
  LogPosition InHistory(const Run& run, const Cursor& cursor) const;
  size_t max_epochs() const { return history_ == nullptr ? kMaxEpochs : kMaxHistoryEpochs; }

  const size_t segment_bytes_;
  const std::shared_ptr<MemoryUse> use_;
  const std::shared_ptr<History> history_;
  std::atomic<size_t> max_bytes_;
  std::atomic<bool> may_be_held_;
  Histogram ring_fill_{{0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1}};
  Patience patience_;

  // The writer's own.
  uint64_t epoch_ = 0;
  uint64_t schema_id_ = 0;
  uint64_t run_ = 0;
  uint64_t next_sequence_ = 1;
  uint64_t published_next_ = 1;        // next_sequence_ at the last Publish()
  std::byte* write_ = nullptr;         // in the last of `open_`
  std::byte* write_end_ = nullptr;     // its end
  std::byte* published_ = nullptr;     // where `write_` was at the last Publish()
  std::vector<Entry> open_;            // with something unpublished, or written now
  std::byte* last_loss_at_ = nullptr;  // the last element, if it is a loss
  Loss last_loss_;                     // ... and unpublished
  uint64_t records_before_segment_ = 0;
  uint64_t unkept_records_ = 0;  // since the last Publish(): there was no memory for them
  bool is_restored_ = false;     // as that of the last run
  uint64_t kept_below_ = 0;      // numbers that come once more, and are in the history
  uint64_t newest_ns_ = 0;       // in the last of `open_`
  uint64_t begin_ns_ = 0;        // of the current epoch; 0: no record yet
  Counters counted_;

  mutable std::mutex mutex_;
  std::deque<Entry> entries_;  // published; ids from first_id_ on
  uint64_t first_id_ = 0;
  size_t bytes_ = 0;                        // of all segments, unpublished ones too
  size_t published_bytes_ = 0;              // of entries_
  std::atomic<size_t> evictable_bytes_{0};  // written under mutex_
  std::deque<Run> runs_;                    // at most max_epochs()
  LogPosition restored_end_;                // where the history ended at first
  Counters published_counters_;
  uint64_t evicted_records_ = 0;
  EvictedSpans evicted_;
  mutable WaiterList waiters_;
  std::list<LogPosition> holds_;
  std::atomic<size_t> hold_count_{0};  // for a writer that asks without the lock
  mutable WaiterList room_waiters_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_LOG_H_
