// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_LOG_H_
#define KCHAN_BRIDGE_HUB_LOG_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "bridge/hub/history.h"
#include "bridge/hub/record.h"
#include "bridge/hub/segment.h"
#include "bridge/hub/waiter.h"

namespace kchan::hub {

// Bytes are of allocated memory. The segment that is being written is always
// kept, also where it alone is longer than max_bytes.
struct LogLimits {
  size_t max_bytes = 8 << 20;        // of all segments
  size_t segment_bytes = 256 << 10;  // small: a stalled reader pins whole ones
};

// Where a new reader starts.
struct StartNow {};
struct StartOldest {};
struct StartLast {
  uint64_t records = 0;
};
struct StartAt {
  Cursor cursor;
};
using Start = std::variant<StartNow, StartOldest, StartLast, StartAt>;

// A reader's place. Opaque but for `cursor`, which is always valid to resume
// from. Copyable; keeps no memory alive.
struct LogPosition {
  Cursor cursor = {};          // everything up to here was given out
  uint64_t schema_id = 0;      // of what follows; 0: not known yet
  bool unknown_epoch = false;  // looked up again when something is there; if it
                               // is still unknown, a loss of unknown count
  bool after_history = false;  // there is no epoch yet, or one whose history is
                               // still being read: starts behind that
  uint64_t run = 0;            // which of the log's epochs; 0: none yet
  uint64_t segment_id = 0;     // where sequence + 1 is expected
  size_t offset = 0;
  std::optional<Loss> owed = std::nullopt;  // the rest of a loss that the cursor points into
  std::optional<HistoryQuery> lookup = std::nullopt;  // the history is still to say where it is
  bool log_only = false;  // what the log has dropped is lost, wherever else it may be
};

// What Log::Read() found: consecutive elements of one epoch and schema.
//
//   last_sequence - first_sequence + 1
//     == records in `slices` + losses in `slices` + loss.count
struct LogBatch {
  uint64_t epoch = 0;
  uint64_t schema_id = 0;
  uint64_t first_sequence = 0;  // 0 if it covers none: only an unknown loss
  uint64_t last_sequence = 0;
  // What this reader lost before the first element, for reasons of its own:
  // eviction, a daemon restart, an epoch that ended out of sight.
  std::optional<Loss> loss;
  // UTC minus boottime, if they are not of this boot.
  std::optional<int64_t> clock_offset_ns;
  std::vector<SegmentSlice> slices;
  size_t body_bytes = 0;  // sum of the slices

  bool empty() const { return slices.empty() && !loss; }
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

  // The number that the next record gets. Writer only.
  uint64_t next_sequence() const { return next_sequence_; }

  // Holds at once, but for what is being written: from the next publication on.
  void SetMaxBytes(size_t max_bytes);
  size_t max_bytes() const { return max_bytes_.load(std::memory_order_relaxed); }

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

  // Arms `waiter` to be notified once when there is something to read at
  // `position`. Returns false, and does not arm, if there is already.
  bool Wait(const LogPosition& position, Waiter* waiter) const;

  // After this returns `waiter` is not called by this log any more.
  void Disarm(Waiter* waiter) const;

  LogExtent extent() const;

  // Null if it has none.
  const std::shared_ptr<History>& history() const { return history_; }

  // What GiveUpOldest() could drop, one after the other: all published
  // segments but the last, which may still be written to.
  size_t evictable_bytes() const { return evictable_bytes_.load(std::memory_order_relaxed); }
  // Drops the oldest segment, which the caller frees; null if there is none
  // that may go.
  std::shared_ptr<const Segment> GiveUpOldest();

  static constexpr size_t kMaxEpochs = 64;
  static constexpr size_t kMaxHistoryEpochs = 1024;  // of a log with a history

 private:
  // One segment and how far it is filled.
  struct Entry {
    std::shared_ptr<Segment> segment;
    uint64_t run = 0;
    size_t bytes = 0;
    uint64_t records = 0;
    uint64_t last_sequence = 0;  // first_sequence - 1 if it covers none
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
  std::byte* Room(size_t bytes);
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
  void CountEvictableLocked();
  void ForgetRunsLocked(Dropped& dropped);

  // log_read.cc: the readers' side. All need the lock.
  Found Resolve(LogPosition& position) const;
  Found ResolveFrom(LogPosition& position, bool log_only) const;
  bool PassHistory(LogPosition& position) const;
  LogPosition Gather(size_t max_bytes, LogPosition& position, LogBatch& batch) const;
  bool IsAwaited(const Cursor& cursor) const;
  std::optional<LogPosition> Find(const Cursor& cursor) const;
  std::optional<Loss> Rejoin(LogPosition& position) const;
  const Entry* Following(LogPosition& position) const;
  const Run* FindRun(const Cursor& cursor) const;
  const Run& RunOf(const LogPosition& position) const;
  LogPosition Oldest() const;
  LogPosition OldestInLog() const;
  LogPosition Newest() const;
  LogPosition LastRecords(uint64_t records) const;
  LogPosition Locate(const Run& run, uint64_t sequence) const;

  // log_history.cc: what the history has. All but the first three need the lock.
  void Restore();
  void GoOnFromHistory(bool same_epoch, bool has_history, uint64_t before);
  static void TakePiece(const HistoryAnswer& piece, size_t max_bytes, LogPosition& position,
                        LogBatch& batch);
  Found FromHistory(LogPosition& position, uint64_t passed) const;
  bool Place(LogPosition& position) const;
  std::optional<LogPosition> OldestInHistory() const;
  size_t max_epochs() const { return history_ == nullptr ? kMaxEpochs : kMaxHistoryEpochs; }

  const size_t segment_bytes_;
  const std::shared_ptr<MemoryUse> use_;
  const std::shared_ptr<History> history_;
  std::atomic<size_t> max_bytes_;

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
  bool is_restored_ = false;     // as that of the last run
  uint64_t kept_below_ = 0;      // numbers that come once more, and are in the history
  uint64_t unkept_records_ = 0;  // since the last Publish(): there was no memory for them
  Counters counted_;

  mutable std::mutex mutex_;
  std::deque<Entry> entries_;  // published; ids from first_id_ on
  uint64_t first_id_ = 0;
  size_t bytes_ = 0;                        // of all segments, unpublished ones too
  size_t published_bytes_ = 0;              // of entries_
  std::atomic<size_t> evictable_bytes_{0};  // written under mutex_
  std::deque<Run> runs_;                    // at most kMaxEpochs
  Counters published_counters_;
  uint64_t evicted_records_ = 0;
  mutable WaiterList waiters_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_LOG_H_
