// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_PINNED_GUARD_H_
#define KCHAN_BRIDGE_RPC_PINNED_GUARD_H_

#include <cstdint>
#include <list>

#include "bridge/hub/hub.h"
#include "bridge/rpc/pump.h"

namespace kchan::rpc {

// A stream with a write on the way, which keeps segments alive.
class Pinner {
 public:
  virtual ~Pinner() = default;

  // What the write holds that a log has dropped already.
  virtual uint64_t evicted_bytes() const = 0;

  // Ends the stream at once, RESOURCE_EXHAUSTED, and lets go of the memory.
  virtual void EndPinning() = 0;
};

// Keeps what slow readers pin within max_pinned_bytes: beyond it ends the
// streams of its pump whose writes have been on the way for longest, as many as
// hold what is too much, until it fits again.
//
// Thread safety: within the pump's turns, but for Notify(). Lifetime: its lane's.
class PinnedGuard final : public Pump::Task {
 public:
  using Place = std::list<Pinner*>::iterator;

  PinnedGuard(Pump& pump, hub::Hub& hub) : Task(pump), hub_(hub) {}

  Place WriteStarted(Pinner* pinner) { return writing_.insert(writing_.end(), pinner); }
  void WriteDone(Place place) { writing_.erase(place); }

 private:
  void Run() override;

  hub::Hub& hub_;
  std::list<Pinner*> writing_;  // longest on the way first
  Pump::Clock::time_point next_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_PINNED_GUARD_H_
