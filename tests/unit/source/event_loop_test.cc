// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/event_loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/source/source_testing.h"

namespace kchan::testing {
namespace {

using source::EventLoop;
using source::FdWatch;
using source::MonotonicNow;
using source::Timer;

// An eventfd that closes itself.
class TestFd {
 public:
  TestFd() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~TestFd() { close(fd_); }
  int fd() const { return fd_; }
  void Signal() { ASSERT_EQ(eventfd_write(fd_, 1), 0); }

 private:
  const int fd_;
};

TEST(EventLoopTest, TasksPostedBeforeStopHaveRunWhenItReturns) {
  auto loop = EventLoop::Create().value();
  std::string order;
  loop->Post([&] { order += "a"; });
  loop->Post([&] {
    order += "b";
    loop->Post([&] { order += "d"; });
  });
  loop->Post([&] { order += "c"; });
  loop->Stop();
  loop->Run();
  EXPECT_EQ(order, "abcd");
}

TEST(EventLoopTest, TasksOfManyThreadsAllRun) {
  std::atomic<int> sum{0};
  {
    LoopThread thread;
    std::vector<std::thread> posters;
    for (int i = 0; i < 4; ++i) {
      posters.emplace_back([&] {
        for (int k = 0; k < 1000; ++k) thread.loop().Post([&] { ++sum; });
      });
    }
    for (std::thread& poster : posters) poster.join();
  }
  EXPECT_EQ(sum, 4000);
}

TEST(EventLoopTest, TimersFireOnceInOrderAndNotEarly) {
  auto loop = EventLoop::Create().value();
  std::string order;
  const absl::Time begin = MonotonicNow();
  std::optional<absl::Duration> elapsed;
  Timer late(*loop, [&] {
    order += "late";
    elapsed = MonotonicNow() - begin;
    loop->Stop();
  });
  Timer early(*loop, [&] { order += "early,"; });
  late.Start(absl::Milliseconds(20));
  early.Start(absl::Milliseconds(5));
  loop->Run();
  EXPECT_EQ(order, "early,late");
  EXPECT_GE(*elapsed, absl::Milliseconds(20));
  EXPECT_FALSE(late.armed());
}

TEST(EventLoopTest, ACancelledOrDestroyedTimerDoesNotFire) {
  auto loop = EventLoop::Create().value();
  bool fired = false;
  Timer cancelled(*loop, [&] { fired = true; });
  cancelled.Start(absl::ZeroDuration());
  cancelled.Cancel();
  {
    Timer destroyed(*loop, [&] { fired = true; });
    destroyed.Start(absl::ZeroDuration());
  }
  Timer end(*loop, [&] { loop->Stop(); });
  end.Start(absl::Milliseconds(5));
  loop->Run();
  EXPECT_FALSE(fired);
}

TEST(EventLoopTest, ATimerMayStartAgainInItsOwnTask) {
  auto loop = EventLoop::Create().value();
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(*loop, [&] {
    if (++fired == 100) return loop->Stop();
    timer->Start(absl::ZeroDuration());
  });
  timer->Start(absl::ZeroDuration());
  loop->Run();
  EXPECT_EQ(fired, 100);
}

TEST(EventLoopTest, AReadyFileCallsBackOnceForEachSignal) {
  auto loop = EventLoop::Create().value();
  TestFd file;
  int calls = 0;
  auto watch = FdWatch::Create(*loop, file.fd(), EPOLLIN, [&](uint32_t events) {
    EXPECT_TRUE(events & EPOLLIN);
    // Never read: edge-triggered all the same.
    if (++calls == 3) return loop->Stop();
    file.Signal();
  });
  ASSERT_TRUE(watch.ok()) << watch.status();
  file.Signal();
  loop->Run();
  EXPECT_EQ(calls, 3);
}

TEST(EventLoopTest, AWatchDestroyedByAnotherCallbackOfTheSameBatchIsNotCalled) {
  auto loop = EventLoop::Create().value();
  TestFd first;
  TestFd second;
  int calls = 0;
  std::unique_ptr<FdWatch> watches[2];
  const auto destroy_both = [&](uint32_t) {
    ++calls;
    watches[0].reset();
    watches[1].reset();
    loop->Stop();
  };
  watches[0] = FdWatch::Create(*loop, first.fd(), EPOLLIN, destroy_both).value();
  watches[1] = FdWatch::Create(*loop, second.fd(), EPOLLIN, destroy_both).value();
  first.Signal();
  second.Signal();
  loop->Run();
  EXPECT_EQ(calls, 1);
}

TEST(EventLoopTest, AFileThatCannotBeWatchedIsRefused) {
  auto loop = EventLoop::Create().value();
  EXPECT_FALSE(FdWatch::Create(*loop, -1, EPOLLIN, [](uint32_t) {}).ok());
}

TEST(EventLoopTest, WithNothingToDoTheThreadIsNotWoken) {
  LoopThread thread;
  const auto switches = [&] {
    rusage usage{};
    thread.Run([&] { getrusage(RUSAGE_THREAD, &usage); });
    return usage.ru_nvcsw;
  };
  const long before = switches();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  // Asking is a wake-up, too; a poll every 50 ms would be four more.
  EXPECT_LE(switches() - before, 3);
}

}  // namespace
}  // namespace kchan::testing
