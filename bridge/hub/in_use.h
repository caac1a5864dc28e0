// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_IN_USE_H_
#define KCHAN_BRIDGE_HUB_IN_USE_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/statusor.h"

namespace kchan::hub {

// Objects in use, by what they were made of: who asks for one that somebody has
// is given the same.
//
// Thread safety: any thread.
template <typename Key, typename Object>
class InUse {
 public:
  // The one that was made of `key`, or what `make` makes of it, under the lock.
  template <typename Wanted, typename Make>
  absl::StatusOr<std::shared_ptr<const Object>> Get(const Wanted& key, Make&& make) {
    const std::lock_guard lock(mutex_);
    if (const auto known = objects_.find(key); known != objects_.end()) {
      if (auto object = known->second.lock()) return object;
    }
    absl::StatusOr<std::shared_ptr<const Object>> object = make(key);
    if (!object.ok()) return object;
    std::erase_if(objects_, [](const auto& each) { return each.second.expired(); });
    objects_[Key(key)] = *object;
    return object;
  }

 private:
  std::mutex mutex_;
  std::map<Key, std::weak_ptr<const Object>, std::less<>> objects_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_IN_USE_H_
