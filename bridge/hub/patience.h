// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_PATIENCE_H_
#define KCHAN_BRIDGE_HUB_PATIENCE_H_

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>

namespace kchan::hub {

// How long a log's readers let a record wait before it comes into the log: as long
// as the one of them who waits least. So long its source may let records gather.
//
// Thread safety: any thread.
class Patience {
 public:
  using Duration = std::chrono::nanoseconds;

  // What one reader bears, for as long as it lives. The patience outlives it.
  class Share {
   public:
    Share(Patience& patience, Duration wait);
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    Patience& patience_;
    std::multiset<Duration>::iterator at_;
  };

  // Zero while nobody reads.
  Duration least() const { return Duration(least_ns_.load(std::memory_order_relaxed)); }

 private:
  void ChangedLocked() { least_ns_ = waits_.empty() ? 0 : waits_.begin()->count(); }

  std::mutex mutex_;
  std::multiset<Duration> waits_;  // guarded by mutex_
  std::atomic<Duration::rep> least_ns_{0};
};

inline Patience::Share::Share(Patience& patience, Duration wait) : patience_(patience) {
  const std::lock_guard lock(patience_.mutex_);
  at_ = patience_.waits_.insert(wait);
  patience_.ChangedLocked();
}

inline Patience::Share::~Share() {
  const std::lock_guard lock(patience_.mutex_);
  patience_.waits_.erase(at_);
  patience_.ChangedLocked();
}

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_PATIENCE_H_
