// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_LOG_POSITION_H_
#define KCHAN_BRIDGE_HUB_LOG_POSITION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "bridge/hub/history.h"
#include "bridge/hub/record.h"

namespace kchan::hub {

// Where a new reader starts.
struct StartNow {};
struct StartOldest {};
struct StartLast {
  uint64_t records = 0;
};
struct StartAt {
  Cursor cursor;
};
// With the first segment that holds a record as young as that; behind the last
// record if there is none. What was evicted and may have been as young is a
// loss, and so is what a daemon before this one may have had.
struct StartSince {
  uint64_t boottime_ns = 0;
  int64_t utc_ns = 0;  // the same; a history has seen other boots
};
using Start = std::variant<StartNow, StartOldest, StartLast, StartAt, StartSince>;

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

  // As segment_id: in a piece of the history. The offset is in that piece, for who
  // has it; the log goes by the cursor.
  static constexpr uint64_t kInHistory = UINT64_MAX;

  // Whether it is at `place` of the same log, or behind it.
  bool HasReached(const LogPosition& place) const {
    if (run != place.run) return run > place.run;
    return cursor.sequence >= place.cursor.sequence;
  }
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_LOG_POSITION_H_
