// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_BENCH_WAITING_H_
#define KCHAN_CLIENTS_CLI_BENCH_WAITING_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "bridge/hub/waiter.h"

namespace kchan::cli::bench {

using Deadline = std::chrono::steady_clock::time_point;

// Nothing here takes so long unless something is broken.
inline Deadline InSeconds(int seconds) {
  return std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
}

// A thread that sleeps until the hub has something for it.
class Sleeper final : public hub::Waiter {
 public:
  void Notify() override {
    std::lock_guard lock(mutex_);
    notified_ = true;
    changed_.notify_one();
  }
  // False: the deadline has passed.
  bool SleepUntil(Deadline deadline) {
    std::unique_lock lock(mutex_);
    const bool notified = changed_.wait_until(lock, deadline, [this] { return notified_; });
    notified_ = false;
    return notified;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool notified_ = false;
};

}  // namespace kchan::cli::bench

#endif  // KCHAN_CLIENTS_CLI_BENCH_WAITING_H_
