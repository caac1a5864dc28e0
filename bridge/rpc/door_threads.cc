// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/door_threads.h"

#include <pthread.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/rpc/status.h"

namespace kchan::rpc {

DoorThreads::DoorThreads(size_t threads, size_t max_queued) : max_queued_(max_queued) {
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Loop(); });
    pthread_setname_np(threads_.back().native_handle(), "kchand-door");
  }
}

DoorThreads::~DoorThreads() { Stop(); }

absl::Status DoorThreads::Submit(std::function<void()> call) {
  {
    std::lock_guard lock(mutex_);
    if (queue_.size() >= max_queued_ || stopping_) {
      return WithReason(absl::ResourceExhaustedError(absl::StrCat(
                            queue_.size(), " requests to the kernel are waiting already")),
                        "KERNEL_DOOR_BUSY");
    }
    queue_.push_back(std::move(call));
  }
  ready_.notify_one();
  return absl::OkStatus();
}

void DoorThreads::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void DoorThreads::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const std::function<void()> call = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    call();
    lock.lock();
  }
}

}  // namespace kchan::rpc
