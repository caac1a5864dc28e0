// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLOCK_H_
#define KCHAN_CLOCK_H_

#include <cstdint>

#include "absl/time/time.h"

namespace kchan {

// NodeClock turns a record's boottime_ns into wall time, by the offset that the
// node sends in hello and again when its clock is set. Two records keep their
// distance whatever the wall clock does in between, if the same NodeClock
// converts both.
class NodeClock {
 public:
  NodeClock() = default;
  // UTC minus CLOCK_BOOTTIME: Hello.clock_offset_ns.
  explicit NodeClock(int64_t offset_ns) : offset_ns_(offset_ns) {}

  absl::Time ToTime(uint64_t boottime_ns) const {
    return absl::UnixEpoch() + absl::Nanoseconds(offset_ns_) +
           absl::Nanoseconds(static_cast<int64_t>(boottime_ns));
  }

  int64_t offset_ns() const { return offset_ns_; }

 private:
  int64_t offset_ns_ = 0;
};

}  // namespace kchan

#endif  // KCHAN_CLOCK_H_
