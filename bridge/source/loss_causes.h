// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_LOSS_CAUSES_H_
#define KCHAN_BRIDGE_SOURCE_LOSS_CAUSES_H_

#include <linux/kchan.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace kchan::source {

// Says why records of one ring were lost: a record carries only how many, the
// ring's counters know for which reasons. What the counters cannot explain
// (they are not read at one moment) is put down to a full ring.
//
// Thread safety: one thread at a time.
class LossCauses {
 public:
  // What a reader before us told of is not known; of all causes but the full
  // ring it is taken to be everything so far.
  explicit LossCauses(const kchan_ring_counters& at_attach) : told_(Counts(at_attach)) {
    told_[kFull] = 0;
  }

  // Calls visit(uint64_t count, const char* cause) for parts of `count` that
  // sum up to it.
  template <typename Visit>
  void Split(uint64_t count, const kchan_ring_counters& counters, Visit visit) {
    static constexpr std::array<const char*, kCauses> kNames = {
        "CPU had no ring", "writer refused: contended", "record too long", "ring full"};
    const std::array<uint64_t, kCauses> now = Counts(counters);
    for (size_t cause = 0; cause < kCauses && count != 0; ++cause) {
      const uint64_t untold = now[cause] - std::min(told_[cause], now[cause]);
      const uint64_t part = cause == kFull ? count : std::min(count, untold);
      if (part == 0) continue;
      told_[cause] += part;
      count -= part;
      visit(part, kNames[cause]);
    }
  }

 private:
  static constexpr size_t kCauses = 4;
  static constexpr size_t kFull = 3;  // the last: takes the rest

  static std::array<uint64_t, kCauses> Counts(const kchan_ring_counters& counters) {
    return {counters.lost_no_ring, counters.lost_contended, counters.lost_oversize,
            counters.lost_full};
  }

  std::array<uint64_t, kCauses> told_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_LOSS_CAUSES_H_
