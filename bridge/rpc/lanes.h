// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_LANES_H_
#define KCHAN_BRIDGE_RPC_LANES_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "bridge/hub/hub.h"
#include "bridge/rpc/pinned_guard.h"
#include "bridge/rpc/pump.h"

namespace kchan::rpc {

// A thread that serves calls, and what only it touches. A call stays in one
// lane for its life.
struct Lane {
  explicit Lane(hub::Hub& hub) : guard(std::make_shared<PinnedGuard>(pump, hub)) {}

  Pump pump;
  const std::shared_ptr<PinnedGuard> guard;
};

// The lanes of a server. Where too much is pinned, each ends one of its own.
//
// Thread safety: Next() and Notify() from any thread; the rest from the one that
// starts and stops the server.
class Lanes final : public hub::Waiter {
 public:
  Lanes(hub::Hub& hub, size_t count);

  void Start() { hub_.SetPinnedWaiter(this); }
  void Stop();

  // For what there is one of.
  Lane& first() { return *lanes_.front(); }
  // For the next call: each lane in its turn.
  Lane& Next();

  void Notify() override;

 private:
  hub::Hub& hub_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<size_t> next_{0};
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_LANES_H_
