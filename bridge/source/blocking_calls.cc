// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/blocking_calls.h"

#include <utility>

namespace kchan::source {

void BlockingCalls::Run(std::string what, Call call, EventLoop::Task then) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  jobs_.push_back({std::move(what), std::move(call), std::move(then)});
  if (jobs_.size() > idle_ && threads_.size() < max_threads_) {
    threads_.emplace_back([this] { Serve(); });
  }
  changed_.notify_one();
}

void BlockingCalls::Stop() {
  std::deque<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(jobs_);
  }
  dropped.clear();
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void BlockingCalls::Serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return stopped_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    {
      const hub::RunningCalls::Call running(running_, std::move(job.what));
      job.call();
    }
    job.call = nullptr;  // what it holds is the loop's from here on
    loop_.Post(std::move(job.then));
    lock.lock();
  }
}

}  // namespace kchan::source
