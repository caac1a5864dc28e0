// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/clock.h"

#include <ctime>

namespace kchan::rpc {
namespace {

int64_t NowNs(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

int64_t ClockOffsetNs() {
  // Between two readings, so that being preempted shifts it by half as much.
  const int64_t before = NowNs(CLOCK_BOOTTIME);
  const int64_t utc = NowNs(CLOCK_REALTIME);
  const int64_t after = NowNs(CLOCK_BOOTTIME);
  return utc - (before + (after - before) / 2);
}

}  // namespace kchan::rpc
