// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/value_feed.h"

#include <utility>

namespace kchan::hub {

void ValueFeed::Set(std::shared_ptr<const ValueSnapshot> snapshot) {
  const std::lock_guard lock(mutex_);
  latest_.snapshot = std::move(snapshot);
  latest_.stale = false;
  ++latest_.number;
  waiters_.NotifyAll();
}

void ValueFeed::Clear() {
  const std::lock_guard lock(mutex_);
  if (latest_.stale) return;
  latest_.stale = true;
  ++latest_.number;
  waiters_.NotifyAll();
}

ValueFeed::Latest ValueFeed::latest() const {
  const std::lock_guard lock(mutex_);
  return latest_;
}

bool ValueFeed::Wait(uint64_t seen, Waiter* waiter) const {
  const std::lock_guard lock(mutex_);
  if (latest_.number > seen) return false;
  waiters_.Arm(waiter);
  return true;
}

void ValueFeed::Disarm(Waiter* waiter) const {
  const std::lock_guard lock(mutex_);
  waiters_.Disarm(waiter);
}

}  // namespace kchan::hub
