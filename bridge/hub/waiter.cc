// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/waiter.h"

#include <algorithm>

namespace kchan::hub {

void WaiterList::Arm(Waiter* waiter) {
  if (std::find(armed_.begin(), armed_.end(), waiter) == armed_.end()) armed_.push_back(waiter);
}

void WaiterList::Disarm(Waiter* waiter) { std::erase(armed_, waiter); }

void WaiterList::NotifyAll() {
  for (Waiter* waiter : armed_) waiter->Notify();
  armed_.clear();
}

}  // namespace kchan::hub
