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
  if (hub_.memory().pinned_bytes.load() <= hub_.limits().max_pinned_bytes) return;
  const Pump::Clock::time_point now = Pump::Clock::now();
  if (now < next_) return SetDeadline(next_);

  const auto oldest = std::find_if(writing_.begin(), writing_.end(),
                                   [](const Pinner* pinner) { return pinner->pins_evicted(); });
  // None: what is pinned was written already and goes as the network takes it.
  if (oldest == writing_.end()) return;
  next_ = now + kRelease;
  SetDeadline(next_);
  (*oldest)->EndPinning();
}

}  // namespace kchan::rpc
