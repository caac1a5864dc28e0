// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_HISTORY_H_
#define KCHAN_BRIDGE_HUB_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/hub/record.h"
#include "bridge/hub/schema.h"
#include "bridge/hub/segment.h"
#include "bridge/hub/waiter.h"

namespace kchan::hub {

class Channel;

// One numbering that a history held when the daemon started.
struct HistoryEpoch {
  uint64_t epoch = 0;
  uint64_t schema_id = 0;
  uint64_t last_sequence = 0;
  // How the epoch before it ended is not known: a daemon ended first.
  bool after_unseen = false;
};

// What a reader wants of a history.
struct HistoryQuery {
  uint64_t run = 0;  // of the log, in which `after` is
  Cursor after;
  // 0: what follows `after`. Else the place that has so many records between
  // itself and `after`.
  uint64_t last_records = 0;

  friend bool operator==(const HistoryQuery&, const HistoryQuery&) = default;
};

struct HistoryAnswer {
  enum class Kind : uint8_t {
    kPending,  // Wait() for it
    kChunk,    // whole elements of one epoch, among them after.sequence + 1
    kGap,      // after.sequence + 1 up to last_sequence are not there
    kPlace,    // where last_records begin: `place`; epoch 0 if there is nothing
  };

  Kind kind = Kind::kPending;
  std::shared_ptr<const Segment> chunk = nullptr;
  size_t chunk_bytes = 0;                                 // how far it is filled
  std::optional<int64_t> clock_offset_ns = std::nullopt;  // UTC minus boottime, of another boot
  uint64_t last_sequence = 0;
  Loss blame = {};  // of a gap: its stage and cause
  Cursor place = {};
};

enum class HistoryState : uint8_t {
  kUnspecified = 0,
  kFollowing = 1,  // what the log drops is there
  kDegraded = 2,   // it cannot be written; `reason` says why
};

struct HistoryExtent {
  HistoryState state = HistoryState::kUnspecified;
  std::string reason;
  uint64_t bytes = 0;
  uint64_t max_bytes = 0;
  uint64_t records = 0;
  std::optional<Cursor> oldest;  // behind this the oldest record is
};

// What a log has dropped, or an earlier daemon has had in its log, somewhere
// that is slower than memory.
//
// Thread safety: any thread. No call waits for a disk; each may be made with a
// log's mutex held, and never takes one.
//
// Lifetime: shared by its channel and by who fills it.
class History {
 public:
  virtual ~History() = default;

  // What it held at first, oldest first.
  virtual std::vector<HistoryEpoch> epochs() const = 0;
  // Behind this its oldest record is; nothing: it is empty.
  virtual std::optional<Cursor> oldest() const = 0;
  // The place in front of the first records that were written since, or after
  // some that may have been; nothing: there are none.
  virtual std::optional<Cursor> Since(int64_t utc_ns) const = 0;
  virtual HistoryExtent extent() const = 0;
  // Null if unknown.
  virtual std::shared_ptr<const Schema> FindSchema(uint64_t schema_id) const = 0;

  virtual HistoryAnswer Ask(const HistoryQuery& query) = 0;
  // Arms `waiter` to be notified once when Ask(query) is worth it. Returns
  // false, and does not arm, if it is already.
  virtual bool Wait(const HistoryQuery& query, Waiter* waiter) = 0;
  // After this returns `waiter` is not called by this history any more.
  virtual void Disarm(Waiter* waiter) = 0;
};

// Who has the histories.
//
// Thread safety: any thread; no call waits for a disk.
class HistoryKeeper {
 public:
  virtual ~HistoryKeeper() = default;

  // The history of a channel that is about to be made; null if it has none.
  virtual std::shared_ptr<History> HistoryOf(std::string_view channel) = 0;
  // It was made: what comes into its log is to be kept.
  virtual void Follow(std::shared_ptr<Channel> channel) = 0;
  // The hub has forgotten it: nothing more comes.
  virtual void Leave(const std::shared_ptr<Channel>& channel) = 0;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_HISTORY_H_
