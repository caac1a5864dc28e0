// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <optional>

#include "bridge/hub/log.h"
#include "tests/unit/hub/log_testing.h"

namespace kchan::hub {
namespace {

using testing::CountingWaiter;
using testing::Decode;
using testing::Follower;
using testing::LogFixture;
using testing::LostNumbers;
using testing::Range;
using testing::RecordNumbers;
using testing::Seen;

constexpr uint64_t kA = 0xa;
constexpr uint64_t kB = 0xb;
constexpr uint64_t kC = 0xc;

TEST(LogEpochTest, ReaderCrossesByItself) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 1);
  f.AppendPublished(3);
  Follower reader(f.log, StartOldest{});
  f.log.StartEpoch(kB, 2, 1);
  f.AppendPublished(2);

  const LogBatch a = reader.Read();
  EXPECT_EQ(a.epoch, kA);
  EXPECT_EQ(a.schema_id, 1u);
  EXPECT_EQ(RecordNumbers(Decode(a)), Range(1, 3));
  const LogBatch b = reader.Read();
  EXPECT_EQ(b.epoch, kB);
  EXPECT_EQ(b.schema_id, 2u);
  EXPECT_EQ(b.first_sequence, 1u);
  EXPECT_EQ(RecordNumbers(Decode(b)), Range(1, 2));
  EXPECT_TRUE(reader.Read().empty());
}

TEST(LogEpochTest, StartingAnEpochPublishesTheOneBefore) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 1);
  f.Append(3);
  f.log.StartEpoch(kB, 1, 1);
  EXPECT_EQ(RecordNumbers(Follower(f.log, StartOldest{}).ReadAll()), Range(1, 3));
}

TEST(LogEpochTest, StartingTheSameEpochAgainDoesNothing) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 1);
  f.AppendPublished(3);
  f.log.StartEpoch(kA, 1, 4);
  f.AppendPublished(1);
  const LogBatch batch = Follower(f.log, StartOldest{}).Read();
  EXPECT_EQ(RecordNumbers(Decode(batch)), Range(1, 4));
}

TEST(LogEpochTest, SameEpochFurtherOnIsALossInTheSource) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 1);
  f.AppendPublished(3);
  f.log.StartEpoch(kA, 1, 10);
  f.AppendPublished(1);
  const std::vector<Seen> seen = Follower(f.log, StartOldest{}).ReadAll();
  EXPECT_EQ(LostNumbers(seen, LossStage::kSource), 6u);
  EXPECT_EQ(RecordNumbers(seen).back(), 10u);
}

TEST(LogEpochTest, NumbersNeverGoBack) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 1);
  f.AppendPublished(3);
  f.log.StartEpoch(kA, 1, 2);
  EXPECT_EQ(f.log.next_sequence(), 4u);
}

TEST(LogEpochTest, ChangedSchemaEndsTheBatchAndKeepsTheNumbers) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 1);
  f.AppendPublished(2);
  f.log.StartEpoch(kA, 2, 3);
  f.AppendPublished(2);
  Follower reader(f.log, StartOldest{});
  const LogBatch old_schema = reader.Read();
  const LogBatch new_schema = reader.Read();
  EXPECT_EQ(old_schema.schema_id, 1u);
  EXPECT_EQ(new_schema.schema_id, 2u);
  EXPECT_EQ(RecordNumbers(Decode(old_schema)), Range(1, 2));
  EXPECT_EQ(RecordNumbers(Decode(new_schema)), Range(3, 4));
}

TEST(LogEpochTest, EpochThatBeginsLaterIsADaemonsRestart) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 100);
  f.AppendPublished(3);
  // Who knows the epoch is told what the dead daemon had.
  const std::vector<Seen> resumed = Follower(f.log, StartAt{{kA, 40}}).ReadAll();
  EXPECT_EQ(LostNumbers(resumed, LossStage::kDaemonRestart), 59u);
  EXPECT_EQ(RecordNumbers(resumed), Range(100, 102));
  // Who was up to date lost nothing.
  EXPECT_EQ(LostNumbers(Follower(f.log, StartAt{{kA, 99}}).ReadAll()), 0u);
  // Who asks for what there is, gets that.
  EXPECT_EQ(LostNumbers(Follower(f.log, StartOldest{}).ReadAll()), 0u);
}

TEST(LogEpochTest, RestartAndEvictionAreReportedApart) {
  LogFixture f({.max_bytes = 64 << 10, .segment_bytes = 16 << 10});
  f.log.StartEpoch(kA, 1, 100);
  f.AppendPublished(1000, 500);
  const uint64_t oldest = f.log.extent().oldest_sequence;
  ASSERT_GT(oldest, 100u);
  const std::vector<Seen> seen = Follower(f.log, StartAt{{kA, 40}}).ReadAll();
  EXPECT_EQ(LostNumbers(seen, LossStage::kDaemonRestart), 59u);
  EXPECT_EQ(LostNumbers(seen, LossStage::kLogEviction), oldest - 100);
  EXPECT_EQ(RecordNumbers(seen), Range(oldest, 1099));
}

TEST(LogEpochTest, CrossingIntoAnEpochThatBeginsLaterReportsItsBeginning) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 1);
  f.AppendPublished(1);
  Follower reader(f.log, StartNow{});
  f.log.StartEpoch(kB, 1, 5);
  const LogBatch batch = reader.Read();  // although there is no record yet
  ASSERT_TRUE(batch.loss.has_value());
  EXPECT_EQ(batch.epoch, kB);
  EXPECT_EQ(batch.loss->stage, LossStage::kDaemonRestart);
  EXPECT_EQ(batch.first_sequence, 1u);
  EXPECT_EQ(batch.last_sequence, 4u);
  f.AppendPublished(1);
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(5, 5));
}

TEST(LogEpochTest, EmptyEpochIsCrossedAndHasACursor) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 1);
  f.AppendPublished(1);
  Follower reader(f.log, StartNow{});
  f.log.StartEpoch(kB, 2, 1);
  EXPECT_TRUE(reader.Read().empty());
  EXPECT_EQ(reader.cursor(), (Cursor{kB, 0}));
  EXPECT_EQ(reader.position().schema_id, 2u);
  f.log.StartEpoch(kC, 3, 1);
  f.AppendPublished(2);
  const LogBatch batch = reader.Read();
  EXPECT_EQ(batch.epoch, kC);
  EXPECT_EQ(RecordNumbers(Decode(batch)), Range(1, 2));
}

TEST(LogEpochTest, EvictedEpochIsLostExactly) {
  LogFixture f({.max_bytes = 64 << 10, .segment_bytes = 16 << 10});
  f.log.StartEpoch(kA, 1, 1);
  f.AppendPublished(10, 500);
  Follower reader(f.log, StartAt{{kA, 4}});
  f.log.StartEpoch(kB, 1, 1);
  f.AppendPublished(1000, 500);

  const LogBatch a = reader.Read();
  EXPECT_EQ(a.epoch, kA);
  EXPECT_TRUE(a.slices.empty());
  ASSERT_TRUE(a.loss.has_value());
  EXPECT_EQ(a.first_sequence, 5u);
  EXPECT_EQ(a.last_sequence, 10u);
  const LogBatch b = reader.Read();
  EXPECT_EQ(b.epoch, kB);
  ASSERT_TRUE(b.loss.has_value());
  EXPECT_EQ(b.first_sequence, 1u);
  EXPECT_EQ(b.loss->count, f.log.extent().oldest_sequence - 1);
}

TEST(LogEpochTest, UnknownEpochIsALossOfUnknownCountThenTheOldest) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 1);
  f.AppendPublished(3);
  Follower reader(f.log, StartAt{{kC, 77}});
  EXPECT_EQ(reader.cursor(), (Cursor{kC, 77}));  // still what to resume from
  const LogBatch batch = reader.Read();
  ASSERT_TRUE(batch.loss.has_value());
  EXPECT_EQ(batch.loss->count, 0u);
  EXPECT_EQ(batch.loss->stage, LossStage::kDaemonRestart);
  EXPECT_EQ(batch.epoch, kA);
  EXPECT_EQ(RecordNumbers(Decode(batch)), Range(1, 3));
  EXPECT_TRUE(reader.Read().empty());
}

TEST(LogEpochTest, ACursorIsWaitedForWhileHistoryComesOnceMore) {
  for (const bool came_first : {false, true}) {
    LogFixture f;
    std::optional<Follower> reader;
    if (came_first) reader.emplace(f.log, StartAt{{kA, 5}});
    f.log.StartEpoch(kA, 1, 1, /*has_history=*/true);
    f.AppendPublished(2);
    if (!came_first) reader.emplace(f.log, StartAt{{kA, 5}});
    CountingWaiter waiter;
    EXPECT_TRUE(reader->Read().empty());
    EXPECT_TRUE(f.log.Wait(reader->position(), &waiter));
    EXPECT_EQ(reader->cursor(), (Cursor{kA, 5}));
    f.AppendPublished(2);
    EXPECT_TRUE(reader->Read().empty());
    f.AppendPublished(4);
    f.log.CaughtUp();
    EXPECT_EQ(RecordNumbers(reader->ReadAll()), Range(6, 8));
    f.log.Disarm(&waiter);
  }
}

TEST(LogEpochTest, WhatHistoryDidNotReachIsAnUnknownLoss) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 1, /*has_history=*/true);
  Follower reader(f.log, StartAt{{kA, 5}});
  f.AppendPublished(3);
  CountingWaiter waiter;
  ASSERT_TRUE(f.log.Wait(reader.position(), &waiter));
  f.log.CaughtUp();
  EXPECT_EQ(waiter.count, 1);
  const LogBatch batch = reader.Read();
  ASSERT_TRUE(batch.loss.has_value());
  EXPECT_EQ(batch.loss->count, 0u);
  EXPECT_EQ(RecordNumbers(Decode(batch)), Range(1, 3));
  // From now on such a cursor is a mistake, as in any other epoch.
  EXPECT_FALSE(f.log.Seek(StartAt{{kA, 5}}).has_value());
}

TEST(LogEpochTest, WhileHistoryComesAnUnknownEpochMayStillCome) {
  LogFixture f;
  Follower reader(f.log, StartAt{{kB, 2}});
  f.log.StartEpoch(kA, 1, 1, /*has_history=*/true);
  f.AppendPublished(3);
  CountingWaiter waiter;
  EXPECT_TRUE(reader.Read().empty());
  EXPECT_TRUE(f.log.Wait(reader.position(), &waiter));
  f.log.StartEpoch(kB, 1, 1, /*has_history=*/true);
  f.AppendPublished(4);
  f.log.CaughtUp();
  EXPECT_EQ(waiter.count, 1);
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(3, 4));
}

TEST(LogEpochTest, OfHistoryThatIsOverAnEarlierDaemonMayHaveSeenMore) {
  for (const bool came_first : {false, true}) {
    LogFixture f;
    std::optional<Follower> reader;
    if (came_first) reader.emplace(f.log, StartAt{{kA, 5}});
    f.log.StartEpoch(kA, 1, 1, /*has_history=*/true);
    f.AppendPublished(3);
    f.log.StartEpoch(kB, 1, 1, /*has_history=*/true);
    f.AppendPublished(2);
    if (!came_first) reader.emplace(f.log, StartAt{{kA, 5}});
    const LogBatch batch = reader->Read();
    EXPECT_FALSE(batch.loss.has_value());
    EXPECT_EQ(batch.epoch, kB);
    EXPECT_EQ(RecordNumbers(Decode(batch)), Range(1, 2));
  }
}

TEST(LogEpochTest, UnknownEpochWithoutRecordsCoversNoNumber) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 8);
  Follower reader(f.log, StartAt{{kC, 77}});
  const LogBatch batch = reader.Read();
  ASSERT_TRUE(batch.loss.has_value());
  EXPECT_EQ(batch.first_sequence, 0u);
  EXPECT_EQ(batch.last_sequence, 7u);
  f.AppendPublished(1);
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(8, 8));
}

// After a daemon's restart clients are back before the source is.
TEST(LogEpochTest, CursorThatComesBeforeItsEpochResumesExactly) {
  for (const uint64_t first : {101, 104}) {
    LogFixture f;
    Follower reader(f.log, StartAt{{kA, 100}});
    EXPECT_TRUE(reader.Read().empty());
    CountingWaiter waiter;
    EXPECT_TRUE(f.log.Wait(reader.position(), &waiter));
    f.log.StartEpoch(kA, 1, first);
    EXPECT_EQ(waiter.count, 1);
    f.AppendPublished(2);
    const std::vector<Seen> seen = reader.ReadAll();
    EXPECT_EQ(LostNumbers(seen, LossStage::kDaemonRestart), first - 101);
    EXPECT_EQ(RecordNumbers(seen), Range(first, first + 1));
  }
}

TEST(LogEpochTest, CursorThatComesBeforeAnotherEpochIsUnknown) {
  LogFixture f;
  Follower reader(f.log, StartAt{{kC, 100}});
  f.log.StartEpoch(kA, 1, 1);
  f.AppendPublished(2);
  const LogBatch batch = reader.Read();
  ASSERT_TRUE(batch.loss.has_value());
  EXPECT_EQ(batch.loss->count, 0u);
  EXPECT_EQ(RecordNumbers(Decode(batch)), Range(1, 2));
}

TEST(LogEpochTest, ReaderFromBeforeTheFirstEpochStartsWithIt) {
  for (const Start& start : {Start(StartNow{}), Start(StartOldest{}), Start(StartLast{5})}) {
    LogFixture f({.max_bytes = 64 << 10, .segment_bytes = 16 << 10});
    Follower reader(f.log, start);
    f.log.StartEpoch(kA, 1, 5);
    f.AppendPublished(500, 500);
    const std::vector<Seen> seen = reader.ReadAll();
    // What the dead daemon had is none of its business, eviction is.
    EXPECT_EQ(LostNumbers(seen, LossStage::kDaemonRestart), 0u);
    EXPECT_EQ(LostNumbers(seen, LossStage::kLogEviction) + RecordNumbers(seen).size(), 500u);
  }
}

TEST(LogEpochTest, LastCountsAcrossEpochs) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 1);
  f.AppendPublished(5);
  f.log.StartEpoch(kB, 1, 1);
  f.AppendPublished(3);
  Follower reader(f.log, StartLast{5});
  const LogBatch a = reader.Read();
  EXPECT_EQ(a.epoch, kA);
  EXPECT_EQ(RecordNumbers(Decode(a)), Range(4, 5));
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(1, 3));
}

TEST(LogEpochTest, CursorOfAnOlderEpochResumesThere) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 1);
  f.AppendPublished(5);
  f.log.StartEpoch(kB, 1, 1);
  f.AppendPublished(3);
  const std::vector<Seen> seen = Follower(f.log, StartAt{{kA, 3}}).ReadAll();
  EXPECT_EQ(RecordNumbers(seen), (std::vector<uint64_t>{4, 5, 1, 2, 3}));
  EXPECT_FALSE(f.log.Seek(StartAt{{kA, 6}}).has_value());
}

TEST(LogEpochTest, ManyEpochsStayBounded) {
  LogFixture f;
  f.log.StartEpoch(kA, 1, 1);
  f.AppendPublished(2);
  Follower reader(f.log, StartOldest{});
  for (uint64_t i = 1; i <= 10 * Log::kMaxEpochs; ++i) {
    f.log.StartEpoch(1000 + i, 1, 1);
    f.AppendPublished(1);
  }
  // Short epochs take short segments: the history is not pushed out by air.
  EXPECT_LE(f.log.extent().bytes, Log::kMaxEpochs * (16 << 10));
  const std::vector<Seen> seen = reader.ReadAll();
  EXPECT_EQ(RecordNumbers(seen).size(), Log::kMaxEpochs);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen[0].count, 0u);  // of the forgotten ones
  EXPECT_EQ(seen[0].stage, LossStage::kLogEviction);
}

TEST(LogEpochTest, EpochThatComesBackIsANewOne) {
  LogFixture f;
  for (const uint64_t epoch : {kA, kB, kA}) {
    f.log.StartEpoch(epoch, 1, 1);
    f.AppendPublished(2);
  }
  Follower reader(f.log, StartOldest{});
  std::vector<uint64_t> epochs;
  for (LogBatch batch = reader.Read(); !batch.empty(); batch = reader.Read()) {
    EXPECT_EQ(RecordNumbers(Decode(batch)), Range(1, 2));
    epochs.push_back(batch.epoch);
  }
  EXPECT_EQ(epochs, (std::vector<uint64_t>{kA, kB, kA}));
}

}  // namespace
}  // namespace kchan::hub
