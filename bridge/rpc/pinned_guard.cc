// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/pinned_guard.h"

#include <algorithm>
#include <chrono>

namespace kchan::rpc {
namespace {

// gRPC lets go of a dead stream's memory a moment after it is told to.
constexpr auto kRelease = std::chrono::milliseconds(10);

}  // namespace

void PinnedGuard::Run() {
  const uint64_t pinned = hub_.memory().pinned_bytes.load();
  const uint64_t max = hub_.limits().max_pinned_bytes;
  if (pinned <= max) return;
  const Pump::Clock::time_point now = Pump::Clock::now();
  if (now < next_) return SetDeadline(next_);
  next_ = now + kRelease;
  SetDeadline(next_);

  uint64_t too_much = pinned - max;
  // Streams may hold the same memory, which goes with the last of them: that
  // only takes more rounds.
  for (auto at = writing_.begin(); at != writing_.end() && too_much > 0;) {
    Pinner* const pinner = *at++;  // which takes itself off the list
    const uint64_t freed = pinner->evicted_bytes();
    if (freed == 0) continue;
    too_much -= std::min(too_much, freed);
    pinner->EndPinning();
  }
}

}  // namespace kchan::rpc
