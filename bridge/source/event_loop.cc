// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

namespace kchan::source {
namespace {

constexpr uint64_t kWakeId = 0;
constexpr int kEventsAtOnce = 64;

void CloseIfOpen(int fd) {
  if (fd >= 0) close(fd);
}

}  // namespace

absl::Time MonotonicNow() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::TimeFromTimespec(now);
}

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create() {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kWakeId}};
  if (epoll_fd < 0 || wake_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) != 0) {
    absl::Status status = absl::ErrnoToStatus(errno, "event loop: epoll or eventfd");
    CloseIfOpen(epoll_fd);
    CloseIfOpen(wake_fd);
    return status;
  }
  return std::unique_ptr<EventLoop>(new EventLoop(epoll_fd, wake_fd));
}

EventLoop::~EventLoop() {
  close(wake_fd_);
  close(epoll_fd_);
}

void EventLoop::Run() {
  for (;;) {
    WaitAndServeFds();
    ServeTimers();
    ServeTasks();
    const std::lock_guard lock(mutex_);
    if (stopped_ && tasks_.empty()) return;
  }
}

void EventLoop::Stop() {
  Post([this] {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  });
}

void EventLoop::Post(Task task) {
  bool first;
  {
    const std::lock_guard lock(mutex_);
    first = tasks_.empty();
    tasks_.push_back(std::move(task));
  }
  // Whoever finds the queue empty wakes; a full counter wakes all the same.
  const uint64_t one = 1;
  if (first) {
    [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
  }
}

bool EventLoop::HasTasks() {
  const std::lock_guard lock(mutex_);
  return !tasks_.empty();
}

void EventLoop::WaitAndServeFds() {
  std::optional<absl::Duration> wait;
  if (!timers_.empty()) {
    wait = std::max(absl::ZeroDuration(), timers_.begin()->first.first - MonotonicNow());
  }
  if (HasTasks()) wait = absl::ZeroDuration();

  epoll_event events[kEventsAtOnce];
  timespec timeout{};
  if (wait) timeout = absl::ToTimespec(*wait);
  // epoll_pwait2: epoll_wait() counts in milliseconds, which is the whole of
  // what a ring's reader waits for.
  const int count =
      epoll_pwait2(epoll_fd_, events, kEventsAtOnce, wait ? &timeout : nullptr, nullptr);
  for (int i = 0; i < count; ++i) {
    const uint64_t id = events[i].data.u64;
    if (id == kWakeId) {
      uint64_t ignored;
      [[maybe_unused]] const ssize_t size = read(wake_fd_, &ignored, sizeof(ignored));
      continue;
    }
    const auto it = watches_.find(id);
    if (it == watches_.end()) continue;
    const auto callback = it->second->callback_;
    (*callback)(events[i].events);
  }
}

void EventLoop::ServeTimers() {
  if (timers_.empty()) return;
  const absl::Time now = MonotonicNow();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    Timer* timer = timers_.begin()->second;
    timer->Cancel();
    const auto task = timer->task_;
    (*task)();
  }
}

void EventLoop::ServeTasks() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) task();
}

FdWatch::FdWatch(EventLoop& loop, int fd, Callback callback)
    : loop_(loop),
      fd_(fd),
      id_(loop.next_id_++),
      callback_(std::make_shared<const Callback>(std::move(callback))) {
  loop_.watches_.emplace(id_, this);
}

absl::StatusOr<std::unique_ptr<FdWatch>> FdWatch::Create(EventLoop& loop, int fd, uint32_t events,
                                                         Callback callback) {
  auto watch = std::unique_ptr<FdWatch>(new FdWatch(loop, fd, std::move(callback)));
  epoll_event event{.events = events | EPOLLET, .data = {.u64 = watch->id_}};
  if (epoll_ctl(loop.epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    return absl::ErrnoToStatus(errno, "event loop: cannot watch a file descriptor");
  }
  return watch;
}

FdWatch::~FdWatch() {
  loop_.watches_.erase(id_);
  epoll_ctl(loop_.epoll_fd_, EPOLL_CTL_DEL, fd_, nullptr);
}

Timer::Timer(EventLoop& loop, EventLoop::Task task)
    : loop_(loop),
      task_(std::make_shared<const EventLoop::Task>(std::move(task))),
      id_(loop.next_id_++) {}

void Timer::Start(absl::Duration delay) {
  Cancel();
  deadline_ = MonotonicNow() + delay;
  loop_.timers_.emplace(EventLoop::Deadline(deadline_, id_), this);
  armed_ = true;
}

void Timer::Cancel() {
  if (!armed_) return;
  loop_.timers_.erase(EventLoop::Deadline(deadline_, id_));
  armed_ = false;
}

}  // namespace kchan::source
