// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/pump.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace kchan::rpc {
namespace {

constexpr time_t kFarSeconds = 365 * 24 * 3600;

// gRPC may finish a write within the call that starts it: no turn within a turn.
thread_local bool has_turn = false;

class Turn {
 public:
  explicit Turn(std::unique_lock<std::mutex> lock) : lock_(std::move(lock)) { has_turn = true; }
  ~Turn() { has_turn = false; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  const std::unique_lock<std::mutex> lock_;
};

// A daemon that has no file descriptor left when it starts cannot do anything.
int Require(int fd, const char* what) {
  if (fd >= 0) return fd;
  std::perror(what);
  std::abort();
}

}  // namespace

Pump::Fd::~Fd() { close(fd_); }

void Pump::Task::Notify() {
  if (queued_.exchange(true)) return;
  // Null while the task is being destroyed: then nobody wants the turn.
  if (auto self = weak_from_this().lock()) pump_.Enqueue(std::move(self));
}

void Pump::Task::RunOrNotify() {
  if (has_turn || !pump_.TryRun(*this)) Notify();
}

void Pump::Task::SetDeadline(Clock::time_point deadline) {
  if (deadline_ == deadline) return;
  ClearDeadline();
  deadline_ = deadline;
  pump_.deadlines_.emplace(deadline, this);
}

void Pump::Task::ClearDeadline() {
  if (!deadline_) return;
  pump_.deadlines_.erase({*deadline_, this});
  deadline_.reset();
}

Pump::Pump()
    : wake_fd_(Require(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      clock_fd_(Require(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd")) {
  ArmClockWatch();
  thread_ = std::thread([this] { Loop(); });
  pthread_setname_np(thread_.native_handle(), "kchand-pump");
}

Pump::~Pump() { Stop(); }

void Pump::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    sleeping_ = false;
  }
  eventfd_write(wake_fd_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

void Pump::Enqueue(std::shared_ptr<Task> task) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
    wake = std::exchange(sleeping_, false);
  }
  if (wake) eventfd_write(wake_fd_.get(), 1);
}

void Pump::Loop() {
  while (true) {
    std::deque<std::shared_ptr<Task>> tasks;
    bool stopping = false;
    {
      std::lock_guard lock(mutex_);
      tasks.swap(queue_);
      stopping = stopping_;
      sleeping_ = tasks.empty() && !stopping;
    }
    if (tasks.empty()) {
      if (stopping) return;
      Sleep();
    }
    RunQueued(std::move(tasks));
    RunExpired();
  }
}

void Pump::RunQueued(std::deque<std::shared_ptr<Task>> tasks) {
  for (const std::shared_ptr<Task>& task : tasks) {
    const Turn turn{std::unique_lock(turn_)};
    // Before the turn: what is asked for during it gets another one.
    task->queued_.exchange(false);
    task->Run();
  }
}

bool Pump::TryRun(Task& task) {
  // Null while the task is being destroyed, as in Notify().
  const auto self = task.weak_from_this().lock();
  std::unique_lock lock(turn_, std::try_to_lock);
  if (!lock.owns_lock()) return false;
  const Turn turn(std::move(lock));
  if (self != nullptr) self->Run();
  if (!deadlines_.empty() && deadlines_.begin()->first < sleeps_until_) {
    eventfd_write(wake_fd_.get(), 1);
  }
  return true;
}

void Pump::RunExpired() {
  const Turn turn{std::unique_lock(turn_)};
  const Clock::time_point now = Clock::now();
  // All of them first: one that sets itself a deadline that has passed gets its
  // next turn after everybody else's.
  std::deque<std::shared_ptr<Task>> expired;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    expired.push_back(deadlines_.begin()->second->shared_from_this());
    expired.back()->ClearDeadline();
  }
  for (const std::shared_ptr<Task>& task : expired) task->Run();
}

// Until when to sleep; nothing: until somebody wakes.
std::optional<timespec> Pump::BeginSleep() {
  const std::lock_guard lock(turn_);
  sleeps_until_ = deadlines_.empty() ? Clock::time_point::max() : deadlines_.begin()->first;
  if (deadlines_.empty()) return std::nullopt;
  const auto left = std::max(sleeps_until_ - Clock::now(), Clock::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return timespec{.tv_sec = seconds.count(),
                  .tv_nsec = std::chrono::nanoseconds(left - seconds).count()};
}

void Pump::Sleep() {
  const std::optional<timespec> timeout = BeginSleep();
  pollfd fds[] = {{wake_fd_.get(), POLLIN, 0}, {clock_fd_.get(), POLLIN, 0}};
  const int ready = ppoll(fds, 2, timeout ? &*timeout : nullptr, nullptr);
  if (ready <= 0) return;
  if (fds[0].revents != 0) {
    eventfd_t ignored = 0;
    eventfd_read(wake_fd_.get(), &ignored);
  }
  if (fds[1].revents != 0) {
    uint64_t ignored = 0;
    const bool was_set = read(clock_fd_.get(), &ignored, sizeof(ignored)) < 0 && errno == ECANCELED;
    ArmClockWatch();
    if (was_set) TellClockSet();
  }
}

void Pump::ArmClockWatch() {
  // The kernel cancels an absolute timer of the wall clock when somebody sets
  // that. Should the time itself come, it is armed again.
  itimerspec far{};
  far.it_value.tv_sec = time(nullptr) + kFarSeconds;
  timerfd_settime(clock_fd_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, nullptr);
}

void Pump::TellClockSet() {
  const Turn turn{std::unique_lock(turn_)};
  std::deque<std::shared_ptr<Task>> tasks;
  for (const auto& [deadline, task] : deadlines_) tasks.push_back(task->shared_from_this());
  for (const std::shared_ptr<Task>& task : tasks) task->ClockSet();
}

}  // namespace kchan::rpc
