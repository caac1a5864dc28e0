// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/lanes.h"

namespace kchan::rpc {

Lanes::Lanes(hub::Hub& hub, size_t count) : hub_(hub) {
  for (size_t i = 0; i < count; ++i) lanes_.push_back(std::make_unique<Lane>(hub));
}

void Lanes::Stop() {
  hub_.SetPinnedWaiter(nullptr);
  for (const auto& lane : lanes_) lane->pump.Stop();
}

Lane& Lanes::Next() { return *lanes_[next_++ % lanes_.size()]; }

void Lanes::Notify() {
  for (const auto& lane : lanes_) lane->guard->Notify();
}

}  // namespace kchan::rpc
