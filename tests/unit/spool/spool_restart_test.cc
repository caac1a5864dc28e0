// SPDX-License-Identifier: Apache-2.0
// What a history on disk is after the daemon that wrote it has ended.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "tests/unit/spool/spool_testing.h"

namespace kchan::spool {
namespace {

using hub::LossStage;
using hub::testing::LostNumbers;
using testing::Lost;
using testing::Node;
using testing::NodeSetup;
using testing::Records;
using testing::Seen;

constexpr uint64_t kEpoch = Node::kEpoch;

class SpoolRestartTest : public testing::SpoolReadTest {};

TEST_F(SpoolRestartTest, CursorFromBeforeARestartResumesExactly) {
  RunOnce(500);
  Node node(Setup());
  // The dead daemon had seven more, in memory only.
  node.StartEpoch(kEpoch, 508);
  node.Append(10);
  const std::vector<Seen> seen = node.Read(hub::StartAt{{kEpoch, 321}});
  EXPECT_EQ(seen.front().first, 322u);
  EXPECT_EQ(Records(seen), 500 - 321 + 10u);
  EXPECT_EQ(LostNumbers(seen, LossStage::kDaemonRestart), 7u);
  EXPECT_EQ(Lost(seen), 7u);
}

TEST_F(SpoolRestartTest, LossOfARestartIsOnDiskForTheNextOne) {
  RunOnce(100);
  {
    Node node(Setup());
    node.StartEpoch(kEpoch, 108);
    node.Append(10);
    ASSERT_TRUE(node.IsSpooled());
  }
  Node node(Setup());
  node.StartEpoch(kEpoch, 118);
  const std::vector<Seen> seen = node.Read(hub::StartOldest{});
  EXPECT_EQ(Records(seen), 110u);
  EXPECT_EQ(LostNumbers(seen, LossStage::kDaemonRestart), 7u);
}

TEST_F(SpoolRestartTest, CursorBeyondWhatWasOnDiskIsWaitedForUntilTheSourceIsBack) {
  RunOnce(100);
  Node node(Setup());
  const hub::Start start = hub::StartAt{{kEpoch, 105}};
  auto position = node.log().Seek(start);
  ASSERT_TRUE(position);
  EXPECT_TRUE(node.log().Read(*position, 4096).empty());
  hub::testing::CountingWaiter waiter;
  ASSERT_TRUE(node.log().Wait(*position, &waiter));
  node.StartEpoch(kEpoch, 108);  // 101 to 107 were used
  EXPECT_GT(waiter.count, 0);
  const hub::LogBatch batch = node.log().Read(*position, 4096);
  const auto seen = hub::testing::Decode(batch);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].first, 106u);
  EXPECT_EQ(seen[0].count, 2u);
  EXPECT_EQ(seen[0].stage, LossStage::kDaemonRestart);
}

TEST_F(SpoolRestartTest, EpochsThatEndedBeforeTheRestartAreReadAndTheirUnknownEndIsSaid) {
  RunOnce(100, kEpoch);
  RunOnce(60, kEpoch + 1);
  Node node(Setup());
  node.StartEpoch(kEpoch + 2, 1);
  node.Append(5);
  const std::vector<Seen> seen = node.Read(hub::StartOldest{});
  EXPECT_EQ(Records(seen), 165u);
  EXPECT_EQ(Lost(seen), 0u);
  int unknown = 0;
  for (const Seen& each : seen) {
    if (!each.is_record && each.count == 0) ++unknown;
  }
  EXPECT_EQ(unknown, 2);
  // Somebody who has more of the first epoch than was on disk is not given it
  // again.
  EXPECT_EQ(Records(node.Read(hub::StartAt{{kEpoch + 1, 70}})), 5u);
}

TEST_F(SpoolRestartTest, NumbersThatTheKernelGivesOnceMoreComeOnce) {
  RunOnce(100);
  Node node(Setup());
  node.StartEpoch(kEpoch, 41, /*has_history=*/true);
  node.Append(80);  // 41 to 120
  node.log().CaughtUp();
  const std::vector<Seen> seen = node.Read(hub::StartOldest{});
  EXPECT_EQ(Records(seen), 120u);
  EXPECT_EQ(Lost(seen), 0u);
  ASSERT_TRUE(node.IsSpooled());
}

// What of the epoch was before the source came is no news, and is not lost to
// somebody who wants what is new.
TEST_F(SpoolRestartTest, NowIsBehindARestartAlsoWhereTheSourceIsStillToCome) {
  RunOnce(100);
  Node node(Setup());
  auto position = node.log().Seek(hub::StartNow{});
  ASSERT_TRUE(position);
  EXPECT_TRUE(node.log().Read(*position, 4096).empty());
  hub::testing::CountingWaiter waiter;
  ASSERT_TRUE(node.log().Wait(*position, &waiter));
  node.StartEpoch(kEpoch, 108);  // 101 to 107 are lost, but not to this reader
  node.Append(2);
  EXPECT_GT(waiter.count, 0);
  const auto seen = hub::testing::Decode(node.log().Read(*position, 4096));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].first, 108u);
  EXPECT_TRUE(seen[0].is_record);
}

TEST_F(SpoolRestartTest, NowIsBehindWhatTheKernelGivesOnceMore) {
  RunOnce(100);
  Node node(Setup());
  auto position = node.log().Seek(hub::StartNow{});
  ASSERT_TRUE(position);
  node.StartEpoch(kEpoch, 41, /*has_history=*/true);
  node.Append(80);  // 41 to 120
  EXPECT_TRUE(node.log().Read(*position, 4096).empty());
  node.log().CaughtUp();
  node.Append(1);
  const auto seen = hub::testing::Decode(node.log().Read(*position, 4096));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].first, 121u);
}

TEST_F(SpoolRestartTest, RecordsOfAnEarlierBootBringTheClockOfThatBoot) {
  RunOnce(50);
  {
    Node same_boot(Setup());
    testing::ClockOffsets offsets;
    EXPECT_EQ(Records(same_boot.Read(hub::StartOldest{}, 4096, &offsets)), 50u);
    for (const auto& offset : offsets) EXPECT_FALSE(offset);
  }
  NodeSetup setup = Setup();
  setup.boot_id = "boot-2";
  Node node(setup);
  node.StartEpoch(kEpoch + 1, 1);
  node.Append(5);
  testing::ClockOffsets offsets;
  EXPECT_EQ(Records(node.Read(hub::StartOldest{}, 4096, &offsets)), 55u);
  ASSERT_GE(offsets.size(), 2u);
  ASSERT_TRUE(offsets.front());
  // This machine's clock has not been set since.
  timespec boottime = {};
  clock_gettime(CLOCK_BOOTTIME, &boottime);
  const int64_t boottime_ns = boottime.tv_sec * 1'000'000'000 + boottime.tv_nsec;
  const auto now_ns = static_cast<int64_t>(UnixNs());
  EXPECT_NEAR(static_cast<double>(*offsets.front()), static_cast<double>(now_ns - boottime_ns),
              60e9);
  EXPECT_FALSE(offsets.back());
}

TEST_F(SpoolRestartTest, AChannelThatTheHubForgotAndThatComesAgainHasItsHistory) {
  Node node(Setup());
  node.StartEpoch(kEpoch, 1);
  node.Append(100);
  node.ForgetChannel();
  ASSERT_NE(node.log().history(), nullptr);
  node.StartEpoch(kEpoch, 104);
  node.Append(10);
  const std::vector<Seen> seen = node.Read(hub::StartOldest{});
  EXPECT_EQ(Records(seen), 110u);
  EXPECT_EQ(Lost(seen), 3u);
  ASSERT_TRUE(node.IsSpooled());
}

}  // namespace
}  // namespace kchan::spool
