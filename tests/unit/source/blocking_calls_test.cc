// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/blocking_calls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace kchan::source {
namespace {

// A loop that runs on its own thread.
class BlockingCallsTest : public ::testing::Test {
 protected:
  ~BlockingCallsTest() override {
    loop_->Stop();
    thread_.join();
  }
  // On the loop's thread, and waits for it.
  void OnLoop(const EventLoop::Task& task) {
    std::promise<void> done;
    loop_->Post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  hub::RunningCalls running_;
  const std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
  std::thread thread_{[this] { loop_->Run(); }};
};

TEST_F(BlockingCallsTest, CallBlocksNeitherTheLoopNorAnotherCall) {
  BlockingCalls calls(*loop_, 2, running_);
  std::promise<void> unblock;
  std::promise<void> slow_done;
  std::promise<std::thread::id> quick_done;
  OnLoop([&] {
    calls.Run(
        "slow", [&] { unblock.get_future().wait(); }, [&] { slow_done.set_value(); });
    calls.Run(
        "quick", [] {}, [&] { quick_done.set_value(std::this_thread::get_id()); });
  });
  EXPECT_EQ(quick_done.get_future().get(), thread_.get_id());
  OnLoop([] {});
  EXPECT_EQ(running_.List(), std::vector<std::string>{"slow"});
  unblock.set_value();
  slow_done.get_future().wait();
}

TEST_F(BlockingCallsTest, NoMoreRunAtOnceThanThereMayBe) {
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::atomic<int> done = 0;
  std::promise<void> all;
  BlockingCalls calls(*loop_, 3, running_);
  OnLoop([&] {
    for (int i = 0; i < 50; ++i) {
      calls.Run(
          "short",
          [&] {
            const int now = ++running;
            int before = most.load();
            while (before < now && !most.compare_exchange_weak(before, now)) {
            }
            std::this_thread::yield();
            --running;
          },
          [&] {
            if (++done == 50) all.set_value();
          });
    }
  });
  all.get_future().wait();
  EXPECT_LE(most.load(), 3);
}

TEST_F(BlockingCallsTest, StopWaitsForWhatRunsAndDropsWhatWaits) {
  BlockingCalls calls(*loop_, 1, running_);
  std::promise<void> started;
  std::promise<void> unblock;
  std::promise<void> dropped;
  bool first_followed = false;  // the loop's
  std::atomic<bool> second_ran = false;
  OnLoop([&] {
    calls.Run(
        "first",
        [&] {
          started.set_value();
          unblock.get_future().wait();
        },
        [&] { first_followed = true; });
    // Tells when it is destroyed.
    const std::shared_ptr<void> token(&dropped, [&](void*) { dropped.set_value(); });
    calls.Run(
        "second", [&, token] { second_ran = true; }, [&] { second_ran = true; });
  });
  started.get_future().wait();
  std::thread stop([&] { calls.Stop(); });
  dropped.get_future().wait();
  unblock.set_value();
  stop.join();
  OnLoop([&] { EXPECT_TRUE(first_followed); });
  OnLoop([&] {
    calls.Run(
        "late", [&] { second_ran = true; }, [&] { second_ran = true; });
  });
  OnLoop([] {});
  EXPECT_FALSE(second_ran);
}

}  // namespace
}  // namespace kchan::source
