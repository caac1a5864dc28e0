// SPDX-License-Identifier: Apache-2.0
// Losses that the writer knows of: in the log, in their place.
#include <gtest/gtest.h>

#include "bridge/hub/log.h"
#include "tests/unit/hub/log_testing.h"

namespace kchan::hub {
namespace {

using testing::Decode;
using testing::Follower;
using testing::LogFixture;
using testing::Seen;

const Loss kRingFull{.count = 3, .stage = LossStage::kKernelRing, .cpu = 1, .cause = "ring full"};

TEST(LogLossTest, StandsInItsPlaceAndTakesItsNumbers) {
  LogFixture f;
  f.Start().Append(2);
  f.log.AppendLoss(kRingFull);
  EXPECT_EQ(f.log.next_sequence(), 6u);
  f.AppendPublished(1);

  const std::vector<Seen> seen = Follower(f.log, StartOldest{}).ReadAll();
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[1].first, 2u);
  EXPECT_FALSE(seen[2].is_record);
  EXPECT_EQ(seen[2].first, 3u);
  EXPECT_EQ(seen[2].count, 3u);
  EXPECT_EQ(seen[2].stage, LossStage::kKernelRing);
  EXPECT_EQ(seen[2].cpu, 1u);
  EXPECT_EQ(seen[2].cause, "ring full");
  EXPECT_EQ(seen[3].first, 6u);
}

TEST(LogLossTest, NeighboursAreJoined) {
  LogFixture f;
  f.Start();
  for (int i = 0; i < 100; ++i) f.log.AppendLoss(kRingFull);
  f.log.Publish();
  const std::vector<Seen> seen = Follower(f.log, StartOldest{}).ReadAll();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].first, 1u);
  EXPECT_EQ(seen[0].count, 300u);
  EXPECT_EQ(f.log.extent().lost[static_cast<size_t>(LossStage::kKernelRing)], 300u);
}

TEST(LogLossTest, DifferentLossesAreNotJoined) {
  LogFixture f;
  f.Start();
  Loss other_cpu = kRingFull;
  other_cpu.cpu = 2;
  Loss no_cpu = kRingFull;
  no_cpu.cpu.reset();
  Loss other_stage = no_cpu;
  other_stage.stage = LossStage::kSource;
  Loss other_cause = other_stage;
  other_cause.cause = "bad record";
  for (const Loss& loss : {kRingFull, other_cpu, no_cpu, other_stage, other_cause}) {
    f.log.AppendLoss(loss);
  }
  f.log.Publish();
  EXPECT_EQ(Follower(f.log, StartOldest{}).ReadAll().size(), 5u);
}

TEST(LogLossTest, UnknownCountIsNotHiddenByACountedOne) {
  LogFixture f;
  f.Start();
  for (const uint64_t count : {3, 0, 3}) {
    f.log.AppendLoss({.count = count, .stage = LossStage::kKernelTransport});
  }
  f.log.Publish();
  const std::vector<Seen> seen = Follower(f.log, StartOldest{}).ReadAll();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[1].count, 0u);
  EXPECT_EQ(seen[2].first, 4u);
}

TEST(LogLossTest, RecordBetweenKeepsLossesApart) {
  LogFixture f;
  f.Start();
  f.log.AppendLoss(kRingFull);
  f.Append(1);
  f.log.AppendLoss(kRingFull);
  f.log.Publish();
  EXPECT_EQ(Follower(f.log, StartOldest{}).ReadAll().size(), 3u);
}

TEST(LogLossTest, PublishedLossIsNotChangedAnyMore) {
  LogFixture f;
  f.Start();
  f.log.AppendLoss(kRingFull);
  f.log.Publish();
  Follower early(f.log, StartOldest{});
  const LogBatch held = early.Read();
  f.log.AppendLoss(kRingFull);
  f.log.Publish();

  EXPECT_EQ(Decode(held).at(0).count, 3u);
  const std::vector<Seen> rest = early.ReadAll();
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].first, 4u);
}

// Joining writes the last element again, longer: it may not fit any more.
TEST(LogLossTest, JoinedAcrossASegmentBoundary) {
  for (size_t room = 0; room < 40; ++room) {
    LogFixture f({.max_bytes = 64 << 10, .segment_bytes = 16 << 10});
    f.Start();
    f.Append(1, (16 << 10) - 60 - room);
    Loss loss = kRingFull;
    loss.count = 100;
    for (int i = 0; i < 3; ++i) {
      f.log.AppendLoss(loss);
      loss.count *= 1000;
    }
    f.AppendPublished(1);
    const std::vector<Seen> seen = Follower(f.log, StartOldest{}).ReadAll();
    ASSERT_EQ(seen.size(), 3u) << room;
    EXPECT_EQ(seen[1].count, 100'100'100u);
    EXPECT_EQ(seen[2].first, 100'100'102u);
  }
}

TEST(LogLossTest, UnknownCountTakesNoNumbers) {
  LogFixture f;
  f.Start().Append(2);
  f.log.AppendLoss({.stage = LossStage::kKernelTransport});
  f.log.AppendLoss({.stage = LossStage::kKernelTransport});
  f.AppendPublished(1);
  Follower reader(f.log, StartOldest{});
  const LogBatch batch = reader.Read();
  EXPECT_EQ(batch.first_sequence, 1u);
  EXPECT_EQ(batch.last_sequence, 3u);
  const std::vector<Seen> seen = Decode(batch);
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[2].count, 0u);
  EXPECT_EQ(seen[2].first, 0u);
}

TEST(LogLossTest, UnknownCountAloneIsGivenOnce) {
  LogFixture f;
  f.Start().AppendPublished(2);
  Follower reader(f.log, StartNow{});
  f.log.AppendLoss({.stage = LossStage::kKernelTransport});
  f.log.Publish();
  const LogBatch batch = reader.Read();
  EXPECT_EQ(batch.first_sequence, 0u);
  EXPECT_EQ(batch.last_sequence, 2u);
  EXPECT_EQ(Decode(batch).size(), 1u);
  EXPECT_TRUE(reader.Read().empty());
  // Who resumes at the number before it is told.
  EXPECT_EQ(Follower(f.log, StartAt{{LogFixture::kEpoch, 2}}).ReadAll().size(), 1u);
}

TEST(LogLossTest, CursorInsideALossGetsTheRestOfIt) {
  LogFixture f;
  f.Start().Append(2);
  f.log.AppendLoss({.count = 10, .stage = LossStage::kKernelRing, .cpu = 3});  // 3..12
  f.AppendPublished(1);
  Follower reader(f.log, StartAt{{LogFixture::kEpoch, 7}});
  const LogBatch batch = reader.Read();
  ASSERT_TRUE(batch.loss.has_value());
  EXPECT_EQ(batch.loss->first_sequence, 8u);
  EXPECT_EQ(batch.loss->count, 5u);
  EXPECT_EQ(batch.loss->stage, LossStage::kKernelRing);
  EXPECT_EQ(batch.loss->cpu, 3u);
  EXPECT_EQ(testing::RecordNumbers(Decode(batch)), testing::Range(13, 13));
  EXPECT_TRUE(reader.Read().empty());
}

}  // namespace
}  // namespace kchan::hub
