// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_TURN_PACE_H_
#define KCHAN_BRIDGE_SOURCE_TURN_PACE_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"
#include "bridge/source/event_loop.h"

namespace kchan::source {

// When a source that was woken looks: at once while records are rare, after
// kDelay when there were many the last time, so that one turn finds a batch.
//
// Thread safety: the source thread only.
class TurnPace {
 public:
  static constexpr uint64_t kBusyRecords = 16;
  static constexpr absl::Duration kDelay = absl::Milliseconds(1);

  // A turn is over that has found so many records.
  void Turned(uint64_t records) {
    is_busy_ = records >= kBusyRecords;
    last_turn_ = MonotonicNow();
  }
  absl::Duration Delay() const {
    if (!is_busy_) return absl::ZeroDuration();
    return std::max(absl::ZeroDuration(), last_turn_ + kDelay - MonotonicNow());
  }

 private:
  bool is_busy_ = false;
  absl::Time last_turn_ = absl::InfinitePast();
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_TURN_PACE_H_
