// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_WAITER_H_
#define KCHAN_BRIDGE_HUB_WAITER_H_

#include <mutex>
#include <vector>

namespace kchan::hub {

// Told once when what it waits for may have happened.
//
// Thread safety: Notify() is called from any thread, often from the source
// thread and with a lock of the hub held. It must be short, must not block,
// and must not call back into the hub: set a flag, queue yourself, return.
class Waiter {
 public:
  virtual ~Waiter() = default;
  virtual void Notify() = 0;
};

// The waiters of one condition. One-shot: who was notified is no longer armed,
// so a busy reader costs the writer nothing.
//
// Thread safety: none of its own; its owner's mutex guards it together with
// the condition, which is what makes a lost wake-up impossible.
class WaiterList {
 public:
  // Adds `waiter` unless it is in already.
  void Arm(Waiter* waiter);

  // After this returns `waiter` is not called any more.
  void Disarm(Waiter* waiter);

  // Notifies and forgets all.
  void NotifyAll();

 private:
  std::vector<Waiter*> armed_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_WAITER_H_
