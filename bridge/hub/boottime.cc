// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/boottime.h"

namespace kchan::hub {

int64_t ClockOffsetNs() {
  timespec utc{};
  // Between two readings, so that being preempted shifts it by half as much.
  const uint64_t before = BoottimeNow();
  clock_gettime(CLOCK_REALTIME, &utc);
  const uint64_t after = BoottimeNow();
  return int64_t{utc.tv_sec} * 1'000'000'000 + utc.tv_nsec -
         static_cast<int64_t>(before + (after - before) / 2);
}

}  // namespace kchan::hub
