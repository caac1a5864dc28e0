// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_OBSERVED_VALUE_H_
#define KCHAN_BRIDGE_SOURCE_OBSERVED_VALUE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "bridge/hub/boottime.h"
#include "bridge/hub/value_feed.h"
#include "bridge/source/epoch.h"

namespace kchan::source {

// Counts the changes of a value that the kernel only lets us look at: whoever
// reads it tells here what was found.
//
// Thread safety: any thread.
class ObservedValue {
 public:
  // The same snapshot as long as nothing has changed.
  std::shared_ptr<const hub::ValueSnapshot> Observe(std::vector<hub::Word> words) {
    const std::lock_guard lock(mutex_);
    if (latest_ != nullptr && latest_->words == words) return latest_;
    hub::ValueSnapshot next;
    next.version = latest_ == nullptr ? 1 : latest_->version + 1;
    next.boottime_ns = hub::BoottimeNow();
    next.words = std::move(words);
    next.generation = generation_;
    latest_ = std::make_shared<const hub::ValueSnapshot>(std::move(next));
    return latest_;
  }

 private:
  // This numbering is this daemon's: another one begins anew.
  const uint64_t generation_ = RandomGeneration();
  std::mutex mutex_;
  std::shared_ptr<const hub::ValueSnapshot> latest_;  // under mutex_
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_OBSERVED_VALUE_H_
