// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/health_watch.h"

#include <algorithm>

namespace kchan::rpc {

void HealthWatch::Run() {
  uint64_t seen = 0;
  do {
    seen = hub_.version();
    tell_(Serving());
  } while (!hub_.Wait(seen, this));
}

bool HealthWatch::Serving() const {
  if (hub_.kernel_side().state == hub::KernelSideState::kReady) return true;
  const auto channels = hub_.List();
  return std::any_of(channels.begin(), channels.end(), [](const auto& channel) {
    return channel->snapshot().state == hub::ChannelState::kLive;
  });
}

}  // namespace kchan::rpc
