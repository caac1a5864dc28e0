// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_BLOCKING_CALLS_H_
#define KCHAN_BRIDGE_SOURCE_BLOCKING_CALLS_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bridge/hub/running_calls.h"
#include "bridge/source/event_loop.h"

namespace kchan::source {

// Where the source thread has calls made that may block: a provider's enable
// may sleep, and meanwhile every other ring has to be drained. At most
// `max_threads` run at once, more wait for their turn; threads are made when
// they are first needed.
//
// Thread safety: Run() from the loop's thread; Stop() and the destructor from
// the thread that owns this.
class BlockingCalls {
 public:
  // Touches nothing of the loop's.
  using Call = std::function<void()>;

  // `running` knows of each call while it is made.
  BlockingCalls(EventLoop& loop, size_t max_threads, hub::RunningCalls& running)
      : loop_(loop), max_threads_(max_threads), running_(running) {}
  ~BlockingCalls() { Stop(); }
  BlockingCalls(const BlockingCalls&) = delete;
  BlockingCalls& operator=(const BlockingCalls&) = delete;

  // Makes the call elsewhere, then runs `then` on the loop's thread, where it
  // is also destroyed. After Stop() neither. `what` is for people.
  void Run(std::string what, Call call, EventLoop::Task then);

  // Waits for the calls that are being made; drops those that wait.
  void Stop();

 private:
  struct Job {
    std::string what;
    Call call;
    EventLoop::Task then;
  };
  void Serve();

  EventLoop& loop_;
  const size_t max_threads_;
  hub::RunningCalls& running_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;  // under mutex_, as all below
  size_t idle_ = 0;       // threads that wait for a job
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_BLOCKING_CALLS_H_
