// SPDX-License-Identifier: Apache-2.0
// One writer and many readers at full speed; made for ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/hub/subscription_testing.h"
#include "tests/unit/hub/thread_testing.h"

namespace kchan::hub {
namespace {

using testing::ByName;
using testing::Decode;
using testing::Description;
using testing::LogFixture;
using testing::LostNumbers;
using testing::PayloadOf;
using testing::RecordNumbers;
using testing::Seen;
using testing::SleepingWaiter;

constexpr uint64_t kNumbers = 60'000;
struct Totals {
  uint64_t records = 0;
  uint64_t lost = 0;
  uint64_t last = 0;
};

void Count(const LogBatch& batch, Totals& totals) {
  ASSERT_EQ(batch.first_sequence, totals.last + 1);
  const std::vector<Seen> seen = Decode(batch);
  for (const Seen& each : seen) {
    if (each.is_record) {
      ASSERT_EQ(each.payload, PayloadOf(each.first, each.payload.size()));
    }
  }
  totals.records += RecordNumbers(seen).size();
  totals.lost += LostNumbers(seen);
  totals.last = batch.last_sequence;
}

// Appends kNumbers numbers in bursts, with losses between.
void Write(LogFixture& f) {
  uint64_t burst = 0;
  while (f.log.next_sequence() <= kNumbers) {
    const uint64_t left = kNumbers + 1 - f.log.next_sequence();
    f.Append(std::min<uint64_t>(left, burst % 37), burst % 300);
    if (burst % 50 == 0 && f.log.next_sequence() <= kNumbers) {
      f.log.AppendLoss({.count = 1, .stage = LossStage::kKernelRing});
    }
    f.log.Publish();
    ++burst;
  }
}

TEST(LogThreadTest, WriterAndEightSleepingReaders) {
  LogFixture f({.max_bytes = 256 << 10, .segment_bytes = 16 << 10});
  f.Start();
  Totals totals[8];
  std::vector<std::thread> readers;
  for (size_t i = 0; i < 8; ++i) {
    readers.emplace_back([&f, &total = totals[i], i] {
      SleepingWaiter waiter;
      LogPosition position = *f.log.Seek(StartAt{{LogFixture::kEpoch, 0}});
      while (total.last < kNumbers) {
        const LogBatch batch = f.log.Read(position, 512 << i);
        if (!batch.empty()) {
          Count(batch, total);
          if (::testing::Test::HasFatalFailure()) return;
        } else if (f.log.Wait(position, &waiter) && !waiter.Sleep()) {
          ADD_FAILURE() << "not woken at " << total.last;
          return;
        }
      }
      f.log.Disarm(&waiter);
    });
  }
  Write(f);
  for (std::thread& reader : readers) reader.join();
  for (const Totals& total : totals) {
    EXPECT_EQ(total.last, kNumbers);
    EXPECT_EQ(total.records + total.lost, kNumbers);
  }
  EXPECT_EQ(f.use->pinned_bytes.load(), 0u);
}

TEST(LogThreadTest, ReadersComeAndGo) {
  LogFixture f({.max_bytes = 128 << 10, .segment_bytes = 16 << 10});
  f.Start();
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!done.load()) {
        // Gone when the round ends: a notification after Disarm() is a use
        // after free.
        testing::CountingWaiter waiter;
        LogPosition position = *f.log.Seek(StartLast{20});
        while (!f.log.Read(position, 4096).empty()) {
        }
        if (f.log.Wait(position, &waiter)) f.log.Disarm(&waiter);
        EXPECT_LE(f.log.extent().last_sequence, kNumbers);
      }
    });
  }
  Write(f);
  done.store(true);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(f.use->pinned_bytes.load(), 0u);
}

TEST(LogThreadTest, LogsWithAWriterEachTakeTheirMemoryFromEachOther) {
  static constexpr uint64_t kAll = 256 << 10;
  const auto use = std::make_shared<MemoryUse>(kAll);
  constexpr size_t kLogs = 6;
  std::vector<std::unique_ptr<Log>> logs;
  for (size_t i = 0; i < kLogs; ++i) {
    logs.push_back(
        std::make_unique<Log>(LogLimits{.max_bytes = kAll, .segment_bytes = 16 << 10}, use));
    logs.back()->StartEpoch(LogFixture::kEpoch, LogFixture::kSchema, 1);
  }
  static constexpr uint64_t kEach = kNumbers / kLogs;
  std::vector<std::thread> threads;
  for (const auto& log : logs) {
    threads.emplace_back([&use, &log] {
      while (log->next_sequence() <= kEach) {
        const std::string payload = PayloadOf(log->next_sequence(), log->next_sequence() % 500);
        log->Append({}, std::as_bytes(std::span(payload)));
        if (log->next_sequence() % 7 == 0) log->Publish();
        ASSERT_LE(use->log_bytes.load(), kAll);
      }
      log->Publish();
    });
    threads.emplace_back([&log] {
      Totals total;
      SleepingWaiter waiter;
      LogPosition position = *log->Seek(StartAt{{LogFixture::kEpoch, 0}});
      while (total.last < kEach) {
        const LogBatch batch = log->Read(position, 4096);
        if (batch.empty()) {
          ASSERT_TRUE(!log->Wait(position, &waiter) || waiter.Sleep()) << total.last;
        } else {
          Count(batch, total);
          if (::testing::Test::HasFatalFailure()) return;
        }
      }
      log->Disarm(&waiter);
      EXPECT_EQ(total.records + total.lost, kEach);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(use->pinned_bytes.load(), 0u);
  logs.clear();
  EXPECT_EQ(use->log_bytes.load(), 0u);
}

TEST(LogThreadTest, SubscriptionsFollowAHubThatChanges) {
  Hub hub({}, [](std::string_view) {
    return LogLimits{.max_bytes = 256 << 10, .segment_bytes = 16 << 10};
  });
  auto exec = hub.Upsert(Description("exec"));
  constexpr uint64_t kLast = 5000;
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&hub] {
      SleepingWaiter waiter;
      auto subscription = Subscription::Open(hub, {.selections = {ByName("exec")}}, &waiter);
      ASSERT_TRUE(subscription.ok());
      uint64_t last = 0;
      while (last < kLast) {
        const auto output = (*subscription)->Next();
        ASSERT_TRUE(output.ok());
        if (const auto* batch = std::get_if<BatchOut>(&*output)) {
          last = batch->batch.last_sequence;
        } else if (std::holds_alternative<NothingOut>(*output)) {
          ASSERT_TRUE(waiter.Sleep()) << "not woken at " << last;
        }
      }
    });
  }
  exec->log().StartEpoch(1, 1, 1);
  std::thread changes([&] {
    for (int i = 0; i < 300; ++i) {
      exec->SetState(i % 2 == 0 ? ChannelState::kLive : ChannelState::kIdle, "");
      hub.Upsert(Description("other"));
      hub.Remove("other");
    }
  });
  for (uint64_t i = 0; i < kLast; ++i) {
    exec->log().Append({}, {});
    exec->log().Publish();
  }
  changes.join();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(exec->readers(), 0u);
}

TEST(LogThreadTest, SubscriptionsShareWhatTheirFilterFindsWhileSegmentsGrow) {
  Hub hub({}, [](std::string_view) {
    return LogLimits{.max_bytes = 4 << 20, .segment_bytes = 16 << 10};
  });
  auto exec = hub.Upsert(Description("exec"));
  constexpr uint64_t kLast = 5000;
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&hub, i] {
      SleepingWaiter waiter;
      const std::string filter = i == 0 ? "record.cpu = 0" : "record.cpu = 1";
      auto subscription =
          Subscription::Open(hub, {.selections = {ByName("exec")}, .filter = filter}, &waiter);
      ASSERT_TRUE(subscription.ok());
      uint64_t covered = 0;
      uint64_t filtered = 0;
      while (covered < kLast) {
        const auto output = (*subscription)->Next();
        ASSERT_TRUE(output.ok());
        if (const auto* batch = std::get_if<BatchOut>(&*output)) {
          ASSERT_EQ(batch->batch.first_sequence, covered + 1);
          covered = batch->batch.last_sequence;
          filtered += batch->batch.filtered;
        } else if (std::holds_alternative<NothingOut>(*output)) {
          if ((*subscription)->TellWithheld()) continue;
          ASSERT_TRUE(waiter.Sleep()) << "not woken at " << covered;
        }
      }
      EXPECT_EQ(filtered, kLast / 2);
    });
  }
  exec->log().StartEpoch(1, 1, 1);
  for (uint64_t i = 0; i < kLast; ++i) {
    exec->log().Append({.cpu = static_cast<uint32_t>(i % 2)}, {});
    exec->log().Publish();
  }
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace kchan::hub
