// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/path/method.h"

#include <time.h>

#include <cstring>

namespace kchan::bench {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

}  // namespace

uint64_t StampNow() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * kSecond + static_cast<uint64_t>(now.tv_nsec);
}

void PutStamp(void* payload) {
  const uint64_t now = StampNow();
  std::memcpy(payload, &now, sizeof(now));
}

uint64_t AgeOf(const void* payload) {
  uint64_t made = 0;
  std::memcpy(&made, payload, sizeof(made));
  return StampNow() - made;
}

Pacer::Pacer(double rate)
    : interval_ns_(static_cast<uint64_t>(kSecond / rate)), next_ns_(StampNow()) {}

void Pacer::Wait() {
  next_ns_ += interval_ns_;
  const timespec next{.tv_sec = static_cast<time_t>(next_ns_ / kSecond),
                      .tv_nsec = static_cast<long>(next_ns_ % kSecond)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr) != 0) {
  }
}

}  // namespace kchan::bench
