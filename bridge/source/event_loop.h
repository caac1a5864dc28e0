// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_EVENT_LOOP_H_
#define KCHAN_BRIDGE_SOURCE_EVENT_LOOP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace kchan::source {

class FdWatch;
class Timer;

// One thread's loop over file descriptors, one-shot timers and tasks that
// other threads post. With nothing to do it sleeps without a deadline.
//
// Everything in bridge/source belongs to such a loop and runs on its thread;
// so nothing there needs a lock.
//
// Thread safety: Post() and Stop() from any thread, everything else on the
// thread that is in Run(), or before that.
//
// Lifetime: outlives its watches and timers.
class EventLoop {
 public:
  using Task = std::function<void()>;

  static absl::StatusOr<std::unique_ptr<EventLoop>> Create();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Serves until Stop(). Tasks posted before Stop() have run when it returns.
  void Run();
  void Stop();

  // Runs `task` on the loop's thread, soon, after what is due already: one
  // that posts itself again takes turns with everything else.
  void Post(Task task);

 private:
  friend class FdWatch;
  friend class Timer;
  using Deadline = std::pair<absl::Time, uint64_t>;  // the id makes it unique

  EventLoop(int epoll_fd, int wake_fd) : epoll_fd_(epoll_fd), wake_fd_(wake_fd) {}

  void WaitAndServeFds();
  void ServeTimers();
  void ServeTasks();
  bool HasTasks();

  const int epoll_fd_;
  const int wake_fd_;
  uint64_t next_id_ = 1;  // 0 is wake_fd_
  // By id, not by pointer: a callback may destroy a watch whose event is
  // already in the batch being served.
  std::unordered_map<uint64_t, FdWatch*> watches_;
  std::map<Deadline, Timer*> timers_;

  std::mutex mutex_;
  std::vector<Task> tasks_;  // under mutex_
  bool stopped_ = false;     // under mutex_
};

// Calls back when a file descriptor is ready. Edge-triggered: the callback, or
// what it starts, must look until there is nothing more.
//
// Lifetime: the descriptor stays open until this is destroyed; may be
// destroyed in its own callback.
class FdWatch {
 public:
  using Callback = std::function<void(uint32_t events)>;

  // `events` as for epoll_ctl(); EPOLLHUP and EPOLLERR always.
  static absl::StatusOr<std::unique_ptr<FdWatch>> Create(EventLoop& loop, int fd, uint32_t events,
                                                         Callback callback);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

 private:
  friend class EventLoop;
  FdWatch(EventLoop& loop, int fd, Callback callback);

  EventLoop& loop_;
  const int fd_;
  const uint64_t id_;
  const std::shared_ptr<const Callback> callback_;  // shared: outlives a call that destroys us
};

// A one-shot timer on the monotonic clock's pace.
class Timer {
 public:
  Timer(EventLoop& loop, EventLoop::Task task);
  ~Timer() { Cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // (Re)starts it. Not before `delay` is over.
  void Start(absl::Duration delay);
  void Cancel();
  bool armed() const { return armed_; }

 private:
  friend class EventLoop;

  EventLoop& loop_;
  const std::shared_ptr<const EventLoop::Task> task_;
  const uint64_t id_;
  bool armed_ = false;
  absl::Time deadline_;
};

// CLOCK_MONOTONIC, as a time point that only means something against others of
// its kind.
absl::Time MonotonicNow();

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_EVENT_LOOP_H_
