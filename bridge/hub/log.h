// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_LOG_H_
#define KCHAN_BRIDGE_HUB_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "bridge/hub/record.h"
#include "bridge/hub/segment.h"
#include "bridge/hub/waiter.h"

namespace kchan::hub {

struct LogLimits {
  size_t max_bytes = 16 << 20;       // of kept segments
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
  Cursor cursor;               // everything up to here was given out
  bool unknown_epoch = false;  // its first read reports a loss of unknown count
  uint64_t segment_id = 0;     // hint: where sequence + 1 is expected
  size_t offset = 0;
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
  std::vector<SegmentSlice> slices;
  size_t body_bytes = 0;  // sum of the slices

  bool empty() const { return slices.empty() && !loss; }
};

// What is in a log now.
struct LogExtent {
  uint64_t epoch = 0;  // of the last record; 0: never had any
  uint64_t schema_id = 0;
  uint64_t oldest_sequence = 0;  // of `epoch`, still kept; 0: none
  uint64_t last_sequence = 0;    // of `epoch`, published
  size_t bytes = 0;
  size_t max_bytes = 0;
  uint64_t records = 0;  // ever appended; and their bytes
  uint64_t record_bytes = 0;
  uint64_t evicted_records = 0;
  uint64_t lost[8] = {};  // ever appended, by LossStage
};

// One channel's bounded history, in wire format: each record and each loss is
// one encoded element of kchan.v1.Batch, appended once and never copied again.
//
// Writing. The writer starts an epoch, then appends and publishes; only
// published elements are visible. Numbers are assigned here and nowhere else:
// each record takes the next one, each loss the next `count`. Evicts its
// oldest segments to stay within max_bytes.
//
// Reading. Each reader has its own LogPosition; nothing that it does or fails
// to do touches the writer or another reader. One that eviction has overtaken
// gets its loss, exactly counted, and goes on with the oldest kept. A reader
// crosses from one epoch to the next by itself.
//
// Thread safety: StartEpoch, Append*, Publish from one thread at a time (the
// writer's); everything else from any. Append* take no lock.
class Log {
 public:
  Log(const LogLimits& limits, std::shared_ptr<MemoryUse> use);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Begins a new numbering. Numbers below next_sequence belong to the epoch
  // but were never in this log: a cursor that points there is told that they
  // were lost in a daemon's restart. Publishes what was appended before.
  // Starting the current epoch again with its own next number does nothing.
  void StartEpoch(uint64_t epoch, uint64_t schema_id, uint64_t next_sequence);

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

  // Bounds memory from the next append on.
  void SetMaxBytes(size_t max_bytes);

  // Where a reader that asks for `start` is. Nothing if it is a cursor of the
  // current epoch beyond what was published: the caller's mistake.
  std::optional<LogPosition> Seek(const Start& start) const;

  // Reads from `position` on and advances it past what is returned: at most
  // about max_bytes, but at least one element if there is any. Empty: nothing
  // new. Never waits.
  LogBatch Read(LogPosition& position, size_t max_bytes) const;

  // Arms `waiter` to be notified once when there is something to read at
  // `position`. Returns false, and does not arm, if there is already.
  bool Wait(const LogPosition& position, Waiter* waiter) const;

  // After this returns `waiter` is not called by this log any more.
  void Disarm(Waiter* waiter) const;

  LogExtent extent() const;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_LOG_H_
