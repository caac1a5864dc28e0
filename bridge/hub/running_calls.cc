// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/running_calls.h"

#include <utility>

namespace kchan::hub {

RunningCalls::Call::Call(RunningCalls& calls, std::string what) : calls_(calls) {
  const std::lock_guard lock(calls_.mutex_);
  place_ = calls_.calls_.insert(calls_.calls_.end(), std::move(what));
}

RunningCalls::Call::~Call() {
  const std::lock_guard lock(calls_.mutex_);
  calls_.calls_.erase(place_);
}

std::vector<std::string> RunningCalls::List() const {
  const std::lock_guard lock(mutex_);
  return {calls_.begin(), calls_.end()};
}

}  // namespace kchan::hub
