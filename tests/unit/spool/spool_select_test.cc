// SPDX-License-Identifier: Apache-2.0
// Subscriptions that select, of a history on disk.
#include <gtest/gtest.h>

#include <cstdint>
#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "bridge/hub/subscription.h"
#include "tests/unit/hub/thread_testing.h"
#include "tests/unit/spool/spool_testing.h"

namespace kchan::spool {
namespace {

using testing::Node;
using testing::NodeSetup;

constexpr uint64_t kEpoch = Node::kEpoch;
constexpr int64_t kHourNs = 3600ll * 1'000'000'000;

int64_t OffsetNow() {
  timespec boottime = {};
  clock_gettime(CLOCK_BOOTTIME, &boottime);
  return static_cast<int64_t>(UnixNs()) - (boottime.tv_sec * 1'000'000'000 + boottime.tv_nsec);
}

class SpoolSelectTest : public testing::SpoolReadTest {
 protected:
  struct Sums {
    std::vector<uint64_t> records;
    uint64_t lost = 0;
    uint64_t filtered = 0;
    uint64_t covered = 0;
    bool has_ended = false;
  };

  static hub::SubscriptionOptions Options(const hub::Start& start) {
    hub::SubscriptionOptions options{.selections = {{.pattern = Node::kChannel, .start = start}}};
    options.clock_offset_ns = OffsetNow();
    return options;
  }

  // `count` records, every third of CPU 1; those of number n are of boottime n.
  static void Append(Node& node, uint64_t count) {
    const std::string payload(200, 'p');
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t number = node.log().next_sequence();
      node.log().Append({.boottime_ns = number, .cpu = number % 3 == 0 ? 1u : 0u, .type = 1},
                        std::as_bytes(std::span(payload)));
    }
    node.log().Publish();
    ASSERT_TRUE(node.IsSpooled());
  }

  // Until number `last` of the channel's epoch is covered, or the stream ends.
  static Sums ReadTo(Node& node, hub::SubscriptionOptions options, uint64_t last) {
    hub::testing::SleepingWaiter waiter;
    auto subscription = hub::Subscription::Open(node.hub(), std::move(options), &waiter);
    EXPECT_TRUE(subscription.ok()) << subscription.status();
    Sums sums;
    if (!subscription.ok()) return sums;
    const uint64_t epoch = node.log().extent().epoch;
    for (;;) {
      const auto output = (*subscription)->Next();
      EXPECT_TRUE(output.ok());
      sums.has_ended = !output.ok() || std::holds_alternative<hub::EndOut>(*output);
      if (sums.has_ended) return sums;
      if (std::holds_alternative<hub::NothingOut>(*output)) {
        if ((*subscription)->TellWithheld()) continue;
        const bool is_woken = waiter.Sleep();
        EXPECT_TRUE(is_woken);
        if (!is_woken) return sums;
        continue;
      }
      const auto* batch = std::get_if<hub::BatchOut>(&*output);
      if (batch == nullptr) continue;
      for (const testing::Seen& each : hub::testing::Decode(batch->batch)) {
        if (each.is_record) {
          sums.records.push_back(each.first);
        } else {
          sums.lost += each.count;
        }
      }
      sums.filtered += batch->batch.filtered;
      if (batch->batch.first_sequence != 0) {
        sums.covered += batch->batch.last_sequence + 1 - batch->batch.first_sequence;
      }
      if (batch->batch.epoch == epoch && batch->batch.last_sequence >= last) return sums;
    }
  }
};

TEST_F(SpoolSelectTest, FilterTakesOfDiskAndMemoryAlike) {
  Node node(Setup());
  node.StartEpoch(kEpoch, 1);
  for (int i = 0; i < 20; ++i) Append(node, 1000);  // 4 MiB in all, 1 MiB of log
  ASSERT_GT(node.log().extent().oldest_sequence, 1u);
  for (const size_t max_bytes : {size_t{4096}, size_t{256} << 10}) {
    hub::SubscriptionOptions options = Options(hub::StartOldest{});
    options.filter = "record.cpu = 1";
    options.max_batch_bytes = max_bytes;
    const Sums sums = ReadTo(node, std::move(options), 20'000);
    EXPECT_EQ(sums.covered, 20'000u);
    EXPECT_EQ(sums.lost, 0u);
    ASSERT_EQ(sums.records.size(), 6666u);
    EXPECT_EQ(sums.filtered, 20'000u - 6666);
    for (size_t i = 0; i < sums.records.size(); ++i) ASSERT_EQ(sums.records[i], 3 * (i + 1));
  }
}

TEST_F(SpoolSelectTest, FilterKeepsLossesOfUnknownCountOfTheHistory) {
  {
    Node node(Setup());
    node.StartEpoch(kEpoch, 1);
    for (int i = 0; i < 40; ++i) {
      Append(node, 5);
      node.log().AppendLoss({.count = 0, .stage = hub::LossStage::kKernelTransport});
      Append(node, 5);
    }
  }
  Node node(Setup());
  node.StartEpoch(kEpoch, 401);
  Append(node, 1);
  for (const size_t max_bytes : {size_t{300}, size_t{4096}}) {
    hub::testing::SleepingWaiter waiter;
    hub::SubscriptionOptions options = Options(hub::StartOldest{});
    options.filter = "record.cpu = 1";
    options.max_batch_bytes = max_bytes;
    auto subscription = hub::Subscription::Open(node.hub(), std::move(options), &waiter);
    ASSERT_TRUE(subscription.ok());
    uint64_t unknown = 0;
    uint64_t reached = 0;
    while (reached < 399) {  // the last multiple of three
      const auto output = (*subscription)->Next();
      ASSERT_TRUE(output.ok());
      if (std::holds_alternative<hub::NothingOut>(*output)) {
        ASSERT_TRUE(waiter.Sleep());
      }
      const auto* batch = std::get_if<hub::BatchOut>(&*output);
      if (batch == nullptr) continue;
      for (const testing::Seen& each : hub::testing::Decode(batch->batch)) {
        if (!each.is_record && each.count == 0) ++unknown;
      }
      reached = batch->batch.last_sequence;
    }
    EXPECT_EQ(unknown, 40u) << max_bytes;
  }
}

TEST_F(SpoolSelectTest, TimesOfAnEarlierBootAreThatBoots) {
  {
    Node node(Setup());
    node.StartEpoch(kEpoch, 1);
    const std::string payload(200, 'p');
    for (uint64_t i = 1; i <= 50; ++i) {
      // Further on than this boot will ever be in the test's life.
      node.log().Append({.boottime_ns = uint64_t{1} << 60, .cpu = 0, .type = 1},
                        std::as_bytes(std::span(payload)));
    }
    node.log().Publish();
    ASSERT_TRUE(node.IsSpooled());
  }
  NodeSetup setup = Setup();
  setup.boot_id = "boot-2";
  Node node(setup);
  node.StartEpoch(kEpoch + 1, 1);
  Append(node, 10);
  const auto far = static_cast<int64_t>(uint64_t{1} << 60);

  // They are younger than an hour's time in their own boot's clock.
  hub::SubscriptionOptions options = Options(hub::StartOldest{});
  options.stop.until_utc_ns = OffsetNow() + far + kHourNs;
  EXPECT_EQ(ReadTo(node, options, 10).records.size(), 60u);
  options.stop.until_utc_ns = OffsetNow() + far - kHourNs;
  EXPECT_TRUE(ReadTo(node, options, 10).records.empty());

  options = Options(hub::StartOldest{});
  options.selections[0].since_utc_ns = OffsetNow() + far - kHourNs;
  EXPECT_EQ(ReadTo(node, options, 10).records.size(), 50u);
}

TEST_F(SpoolSelectTest, AnEndInThePastIsBehindWhatIsStillOnDisk) {
  RunOnce(3000);
  Node node(Setup());
  node.StartEpoch(kEpoch, 3001);
  hub::SubscriptionOptions options = Options(hub::StartOldest{});
  options.stop.until_utc_ns = static_cast<int64_t>(UnixNs()) - 1'000'000'000;
  const Sums sums = ReadTo(node, std::move(options), 4000);
  EXPECT_EQ(sums.records.size(), 3000u);
  EXPECT_TRUE(sums.has_ended);
}

TEST_F(SpoolSelectTest, SinceBeginsInTheHistory) {
  RunOnce(500);
  Node node(Setup());
  node.StartEpoch(kEpoch, 501);
  Append(node, 10);
  hub::SubscriptionOptions options = Options(hub::StartSince{});
  options.selections[0].since_utc_ns = 0;
  EXPECT_EQ(ReadTo(node, options, 510).records.size(), 510u);
  // Written a moment ago, but of when the machine booted.
  options.selections[0].since_utc_ns = static_cast<int64_t>(UnixNs()) - 60'000'000'000;
  const Sums sums = ReadTo(node, options, 510);
  EXPECT_TRUE(sums.records.empty());
  EXPECT_EQ(sums.filtered, 510u);
  // Nothing was written since.
  options.selections[0].since_utc_ns = static_cast<int64_t>(UnixNs()) + kHourNs;
  EXPECT_EQ((*hub::Subscription::Open(node.hub(), options, nullptr))->cursors()[0].cursor.sequence,
            510u);
}

// It wants the newest: what the log has dropped is behind it, though it is on
// disk.
TEST_F(SpoolSelectTest, WhoSkipsToTheNewestDoesNotGoBackToTheDisk) {
  Node node(Setup());
  node.StartEpoch(kEpoch, 1);
  Append(node, 10);
  hub::testing::SleepingWaiter waiter;
  hub::SubscriptionOptions options = Options(hub::StartNow{});
  options.overflow_policy = hub::OverflowPolicy::kSkipToNewest;
  auto subscription = hub::Subscription::Open(node.hub(), options, &waiter);
  ASSERT_TRUE(subscription.ok());
  for (int i = 0; i < 10; ++i) Append(node, 1000);  // 2 MiB, 1 MiB of log
  for (;;) {
    const auto output = (*subscription)->Next();
    ASSERT_TRUE(output.ok());
    ASSERT_FALSE(std::holds_alternative<hub::NothingOut>(*output));
    const auto* batch = std::get_if<hub::BatchOut>(&*output);
    if (batch == nullptr) continue;
    ASSERT_TRUE(batch->batch.loss);
    EXPECT_EQ(batch->batch.loss->stage, hub::LossStage::kLogEviction);
    EXPECT_EQ(batch->batch.first_sequence, 11u);
    return;
  }
}

}  // namespace
}  // namespace kchan::spool
