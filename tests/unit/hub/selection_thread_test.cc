// SPDX-License-Identifier: Apache-2.0
// A writer that asks for room, readers that hold its log and readers that look
// for a place in it, at full speed; made for ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/hub/subscription_testing.h"
#include "tests/unit/hub/thread_testing.h"

namespace kchan::hub {
namespace {

using testing::ByName;
using testing::Decode;
using testing::LostNumbers;
using testing::RecordNumbers;
using testing::Seen;
using testing::SleepingWaiter;

constexpr uint64_t kLast = 20'000;

class SelectionThreadTest : public ::testing::Test {
 protected:
  SelectionThreadTest() {
    ChannelDescription description;
    description.name = "exec";
    description.transport = "ring";
    channel_ = hub_.Upsert(std::make_shared<const ChannelDescription>(description));
    channel_->log().StartEpoch(1, 1, 1);
  }

  // Writes all records, record n at n ns, none without room.
  void Write() {
    Log& log = channel_->log();
    SleepingWaiter waiter;
    const std::string payload(100, 'x');
    while (log.next_sequence() <= kLast) {
      if (log.Room() == 0) {
        ASSERT_TRUE(!log.WaitForRoom(&waiter) || waiter.Sleep()) << log.next_sequence();
        continue;
      }
      for (int i = 0; i < 20; ++i) {
        const uint64_t number = log.next_sequence();
        log.Append({.boottime_ns = number, .cpu = static_cast<uint32_t>(number % 4)},
                   std::as_bytes(std::span(payload)));
      }
      log.Publish();
    }
    log.Disarm(&waiter);
  }

  struct Sums {
    uint64_t records = 0;
    uint64_t filtered = 0;
    uint64_t lost = 0;
    uint64_t last = 0;
  };
  Sums ReadAll(const SubscriptionOptions& options) {
    SleepingWaiter waiter;
    auto subscription = Subscription::Open(hub_, options, &waiter);
    EXPECT_TRUE(subscription.ok()) << subscription.status();
    ++opened_;
    Sums sums;
    while (sums.last < kLast && !HasFailure()) {
      const auto output = (*subscription)->Next();
      EXPECT_TRUE(output.ok()) << output.status();
      if (const auto* out = std::get_if<BatchOut>(&*output)) {
        const std::vector<Seen> seen = Decode(out->batch);
        EXPECT_EQ(out->batch.first_sequence, sums.last + 1);
        sums.records += RecordNumbers(seen).size();
        sums.lost += LostNumbers(seen);
        sums.filtered += out->batch.filtered;
        sums.last = out->batch.last_sequence;
      } else if (std::holds_alternative<NothingOut>(*output)) {
        if ((*subscription)->TellWithheld()) continue;
        EXPECT_TRUE(waiter.Sleep()) << "not woken at " << sums.last;
      }
    }
    return sums;
  }

  Hub hub_{{}, [](std::string_view) {
             return LogLimits{
                 .max_bytes = 128 << 10, .segment_bytes = 16 << 10, .may_be_held = true};
           }};
  std::shared_ptr<Channel> channel_;
  std::atomic<size_t> opened_ = 0;
};

TEST_F(SelectionThreadTest, ReadersThatHoldLoseNothingWhatOthersDo) {
  std::vector<std::thread> threads;
  for (const uint32_t sample_every : {1, 1, 7}) {
    SubscriptionOptions options{.selections = {ByName("exec")},
                                .sample_every = sample_every,
                                .overflow_policy = OverflowPolicy::kBlock};
    if (sample_every != 1) options.filter = "record.cpu != 1";
    threads.emplace_back([this, options] {
      const Sums sums = ReadAll(options);
      EXPECT_EQ(sums.last, kLast);
      EXPECT_EQ(sums.lost, 0u);
      EXPECT_EQ(sums.records + sums.filtered, kLast);
      EXPECT_EQ(sums.filtered == 0, options.sample_every == 1);
    });
  }
  const size_t holding = threads.size();
  while (opened_ < holding) std::this_thread::yield();

  // Those that come and go, from the middle.
  std::atomic<bool> done = false;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([this, i, &done] {
      for (uint64_t round = 0; !done; ++round) {
        Selection selection = ByName("exec", StartLast{round % 200});
        if (i == 1) {
          const uint64_t last = channel_->log().extent().last_sequence;
          selection.start = StartSince{};
          selection.since_utc_ns = static_cast<int64_t>(last - std::min<uint64_t>(last, 100));
        }
        StopCondition stop{.end_of_history = true};
        auto policy = round % 3 == 0 ? OverflowPolicy::kBlock : OverflowPolicy::kSkipToNewest;
        SleepingWaiter waiter;
        auto subscription = Subscription::Open(
            hub_, {.selections = {selection}, .stop = stop, .overflow_policy = policy}, &waiter);
        ASSERT_TRUE(subscription.ok());
        for (;;) {
          const auto output = (*subscription)->Next();
          ASSERT_TRUE(output.ok());
          ASSERT_FALSE(std::holds_alternative<NothingOut>(*output)) << "history ends by itself";
          if (const auto* out = std::get_if<BatchOut>(&*output)) Decode(out->batch);
          if (std::holds_alternative<EndOut>(*output)) break;
        }
      }
    });
  }
  Write();
  for (size_t i = 0; i < holding; ++i) threads[i].join();
  done = true;
  for (size_t i = holding; i < threads.size(); ++i) threads[i].join();
  EXPECT_EQ(channel_->log().Room(), SIZE_MAX) << "nobody holds it";
}

}  // namespace
}  // namespace kchan::hub
