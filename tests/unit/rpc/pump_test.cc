// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/pump.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace kchan::rpc {
namespace {

using std::chrono::milliseconds;

// Counts, from the pump's thread, and can be waited for.
class Counter {
 public:
  void Add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  bool Await(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return count_ >= count; });
  }
  int count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

// A task whose turns are a function.
class Turns final : public Pump::Task {
 public:
  Turns(Pump& pump, std::function<void(Turns&)> run) : Task(pump), run_(std::move(run)) {}
  using Task::ClearDeadline;
  using Task::has_deadline;
  using Task::SetDeadline;

 private:
  void Run() override { run_(*this); }
  const std::function<void(Turns&)> run_;
};

std::shared_ptr<Turns> Make(Pump& pump, std::function<void(Turns&)> run) {
  return std::make_shared<Turns>(pump, std::move(run));
}

TEST(PumpTest, NotifiedTaskGetsATurn) {
  Pump pump;
  Counter turns;
  const auto task = Make(pump, [&](Turns&) { turns.Add(); });
  task->Notify();
  EXPECT_TRUE(turns.Await(1));
}

TEST(PumpTest, TaskThatWaitsForItsTurnIsQueuedOnce) {
  Pump pump;
  Counter started;
  Counter go;
  Counter turns;
  const auto blocker = Make(pump, [&](Turns&) {
    started.Add();
    go.Await(1);
  });
  const auto task = Make(pump, [&](Turns&) { turns.Add(); });
  blocker->Notify();
  ASSERT_TRUE(started.Await(1));
  for (int i = 0; i < 100; ++i) task->Notify();
  go.Add();
  pump.Stop();
  EXPECT_EQ(turns.count(), 1);
}

TEST(PumpTest, NotificationDuringATurnBringsAnother) {
  Pump pump;
  Counter turns;
  const auto task = Make(pump, [&](Turns& self) {
    turns.Add();
    if (turns.count() < 3) self.Notify();
  });
  task->Notify();
  EXPECT_TRUE(turns.Await(3));
  pump.Stop();
  EXPECT_EQ(turns.count(), 3);
}

TEST(PumpTest, TurnThatNobodyElseHasIsTakenByTheCaller) {
  Pump pump;
  std::vector<std::thread::id> threads;
  const auto task = Make(pump, [&](Turns&) { threads.push_back(std::this_thread::get_id()); });
  task->RunOrNotify();
  EXPECT_EQ(threads, std::vector{std::this_thread::get_id()});
}

TEST(PumpTest, CallerDoesNotWaitForATurnThatAnotherTaskHas) {
  Pump pump;
  Counter started;
  Counter go;
  Counter turns;
  const auto blocker = Make(pump, [&](Turns&) {
    started.Add();
    go.Await(1);
  });
  const auto task = Make(pump, [&](Turns&) { turns.Add(); });
  blocker->Notify();
  ASSERT_TRUE(started.Await(1));
  task->RunOrNotify();
  EXPECT_EQ(turns.count(), 0);
  go.Add();
  EXPECT_TRUE(turns.Await(1));
}

TEST(PumpTest, NoTurnIsTakenWithinATurn) {
  Pump pump;
  int depth = 0;
  int deepest = 0;
  Counter turns;
  const auto task = Make(pump, [&](Turns& self) {
    deepest = std::max(deepest, ++depth);
    if (turns.count() < 2) self.RunOrNotify();
    --depth;
    turns.Add();
  });
  task->RunOrNotify();
  EXPECT_TRUE(turns.Await(3));
  pump.Stop();
  EXPECT_EQ(deepest, 1);
}

TEST(PumpTest, DeadlineThatACallerSetsWakesTheSleepingPump) {
  Pump pump;
  Counter slept;
  Counter turns;
  const auto sleeper = Make(pump, [&](Turns&) { slept.Add(); });
  const auto task = Make(pump, [&](Turns& self) {
    if (turns.count() == 0) self.SetDeadline(Pump::Clock::now() + milliseconds(20));
    turns.Add();
  });
  sleeper->Notify();  // the pump's thread has been awake, and goes to sleep without a deadline
  ASSERT_TRUE(slept.Await(1));
  task->RunOrNotify();
  EXPECT_TRUE(turns.Await(2));
}

TEST(PumpTest, TasksThatAlwaysWantMoreTakeTurns) {
  Pump pump;
  std::vector<int> order;
  Counter done;
  const auto first = Make(pump, [&](Turns& self) {
    order.push_back(1);
    if (order.size() < 20) self.Notify();
    done.Add();
  });
  const auto second = Make(pump, [&](Turns& self) {
    order.push_back(2);
    if (order.size() < 20) self.Notify();
    done.Add();
  });
  // Both are in before either runs.
  const auto starter = Make(pump, [&](Turns&) {
    first->Notify();
    second->Notify();
  });
  starter->Notify();
  ASSERT_TRUE(done.Await(20));
  pump.Stop();
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(order[i], i % 2 == 0 ? 1 : 2) << i;
}

TEST(PumpTest, DeadlineGivesATurnInTimeAndOnce) {
  Pump pump;
  Counter turns;
  Pump::Clock::time_point due;
  const auto task = Make(pump, [&](Turns& self) {
    turns.Add();
    if (turns.count() == 1) {
      due = Pump::Clock::now() + milliseconds(30);
      self.SetDeadline(due);
    } else {
      EXPECT_GE(Pump::Clock::now(), due);
      EXPECT_FALSE(self.has_deadline());
    }
  });
  task->Notify();
  EXPECT_TRUE(turns.Await(2));
}

TEST(PumpTest, EarlierDeadlineOfAnotherTaskComesFirst) {
  Pump pump;
  std::vector<int> order;
  Counter done;
  bool late_set = false;
  bool early_set = false;
  const auto late = Make(pump, [&](Turns& self) {
    if (!std::exchange(late_set, true)) {
      return self.SetDeadline(Pump::Clock::now() + milliseconds(60));
    }
    order.push_back(2);
    done.Add();
  });
  const auto early = Make(pump, [&](Turns& self) {
    if (!std::exchange(early_set, true)) {
      return self.SetDeadline(Pump::Clock::now() + milliseconds(20));
    }
    order.push_back(1);
    done.Add();
  });
  late->Notify();
  early->Notify();
  ASSERT_TRUE(done.Await(2));
  pump.Stop();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(PumpTest, TaskWhoseDeadlinesHavePassedDoesNotStarveOthers) {
  Pump pump;
  Counter late_turns;
  std::atomic<bool> enough{false};
  const auto late = Make(pump, [&](Turns& self) {
    late_turns.Add();
    if (!enough) self.SetDeadline(Pump::Clock::now() - milliseconds(1));
  });
  late->Notify();
  ASSERT_TRUE(late_turns.Await(3));
  Counter other_turns;
  const auto other = Make(pump, [&](Turns&) { other_turns.Add(); });
  other->Notify();
  EXPECT_TRUE(other_turns.Await(1));
  enough = true;
  pump.Stop();
}

TEST(PumpTest, QueuedTaskOutlivesItsOwner) {
  Pump pump;
  Counter started;
  Counter go;
  Counter turns;
  const auto blocker = Make(pump, [&](Turns&) {
    started.Add();
    go.Await(1);
  });
  blocker->Notify();
  ASSERT_TRUE(started.Await(1));
  auto task = Make(pump, [&](Turns&) { turns.Add(); });
  task->Notify();
  task.reset();
  go.Add();
  EXPECT_TRUE(turns.Await(1));
}

TEST(PumpTest, NoNotificationIsLostAmongManyThreads) {
  Pump pump;
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  std::atomic<int> pending{0};
  int seen = 0;
  const auto task = Make(pump, [&](Turns&) { seen += pending.exchange(0); });
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) {
        ++pending;
        task->Notify();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  pump.Stop();
  EXPECT_EQ(seen, kThreads * kEach);
}

TEST(PumpTest, IdlePumpUsesNoCpu) {
  Pump pump;
  Counter turns;
  clockid_t clock = 0;
  const auto task = Make(pump, [&](Turns&) {
    pthread_getcpuclockid(pthread_self(), &clock);
    turns.Add();
  });
  task->Notify();
  ASSERT_TRUE(turns.Await(1));
  const auto used = [&] {
    timespec time{};
    clock_gettime(clock, &time);
    return time.tv_sec * 1'000'000'000ll + time.tv_nsec;
  };
  // Measured over a stretch of idleness, which only time can make.
  const auto end = Pump::Clock::now() + milliseconds(200);
  const long long before = used();
  std::this_thread::sleep_until(end);
  EXPECT_LT(used() - before, 1'000'000);
}

}  // namespace
}  // namespace kchan::rpc
