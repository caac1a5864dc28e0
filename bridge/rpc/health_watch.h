// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_HEALTH_WATCH_H_
#define KCHAN_BRIDGE_RPC_HEALTH_WATCH_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "bridge/hub/hub.h"
#include "bridge/rpc/pump.h"

namespace kchan::rpc {

// Tells whether the daemon has anything to offer: the kernel side is usable,
// or some channel is live. Follows the hub's version.
//
// Thread safety: `tell` is called on the pump's thread.
class HealthWatch final : public Pump::Task {
 public:
  HealthWatch(Pump& pump, hub::Hub& hub, std::function<void(bool serving)> tell)
      : Task(pump), hub_(hub), tell_(std::move(tell)) {}

  // After this the hub does not call it any more.
  void Stop() { hub_.Disarm(this); }

 private:
  void Run() override;
  bool Serving() const;

  hub::Hub& hub_;
  const std::function<void(bool)> tell_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_HEALTH_WATCH_H_
