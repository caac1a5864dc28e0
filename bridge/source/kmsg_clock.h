// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KMSG_CLOCK_H_
#define KCHAN_BRIDGE_SOURCE_KMSG_CLOCK_H_

#include <time.h>

#include <algorithm>
#include <cstdint>

#include "bridge/hub/boottime.h"

namespace kchan::source {

// How long the machine has been suspended since it was booted: what the kernel
// log's times lack of CLOCK_BOOTTIME.
inline uint64_t SuspendedNs() {
  timespec monotonic;
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  const uint64_t running_ns = static_cast<uint64_t>(monotonic.tv_sec) * 1'000'000'000 +
                              static_cast<uint64_t>(monotonic.tv_nsec);
  const uint64_t boottime_ns = hub::BoottimeNow();
  return boottime_ns - std::min(boottime_ns, running_ns);
}

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KMSG_CLOCK_H_
