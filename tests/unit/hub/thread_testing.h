// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_HUB_THREAD_TESTING_H_
#define KCHAN_TESTS_UNIT_HUB_THREAD_TESTING_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "bridge/hub/waiter.h"

namespace kchan::hub::testing {

// A reader's thread sleeps here. A lost wake-up shows as a time-out.
class SleepingWaiter : public Waiter {
 public:
  void Notify() override {
    const std::lock_guard lock(mutex_);
    is_notified_ = true;
    changed_.notify_one();
  }
  bool Sleep() {
    std::unique_lock lock(mutex_);
    const bool woken =
        changed_.wait_for(lock, std::chrono::seconds(60), [this] { return is_notified_; });
    is_notified_ = false;
    return woken;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_notified_ = false;
};

}  // namespace kchan::hub::testing

#endif  // KCHAN_TESTS_UNIT_HUB_THREAD_TESTING_H_
