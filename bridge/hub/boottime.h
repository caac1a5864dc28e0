// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_BOOTTIME_H_
#define KCHAN_BRIDGE_HUB_BOOTTIME_H_

#include <cstdint>
#include <ctime>

namespace kchan::hub {

// CLOCK_BOOTTIME, which records are stamped with.
inline uint64_t BoottimeNow() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// UTC minus CLOCK_BOOTTIME, now, in nanoseconds.
int64_t ClockOffsetNs();

// When it was, or will be, `utc_ns` on a node whose UTC is offset_ns ahead of
// its boottime; 0 if that was before it booted.
inline uint64_t BoottimeOf(int64_t utc_ns, int64_t offset_ns) {
  if (utc_ns <= offset_ns) return 0;
  return static_cast<uint64_t>(utc_ns) - static_cast<uint64_t>(offset_ns);
}

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_BOOTTIME_H_
