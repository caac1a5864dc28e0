// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/log.h"

#include <gtest/gtest.h>

#include "bridge/hub/element.h"
#include "tests/unit/hub/log_testing.h"

namespace kchan::hub {
namespace {

using testing::Decode;
using testing::Follower;
using testing::LogFixture;
using testing::LostNumbers;
using testing::PayloadOf;
using testing::Range;
using testing::RecordNumbers;
using testing::Seen;

constexpr LogLimits kSmall{.max_bytes = 64 << 10, .segment_bytes = 16 << 10};

TEST(LogTest, GivesBackWhatWasAppended) {
  LogFixture f;
  f.Start().AppendPublished(5, 20);
  Follower reader(f.log, StartOldest{});
  const std::vector<Seen> seen = reader.ReadAll();
  ASSERT_EQ(RecordNumbers(seen), Range(1, 5));
  for (const Seen& record : seen) {
    EXPECT_EQ(record.payload, PayloadOf(record.first, 20));
    EXPECT_EQ(record.boottime_ns, 1000 * record.first);
    EXPECT_EQ(record.cpu, record.first % 3);
    EXPECT_EQ(record.type, 1u);
  }
  EXPECT_EQ(reader.cursor(), (Cursor{LogFixture::kEpoch, 5}));
}

TEST(LogTest, EmptyLogGivesNothing) {
  LogFixture f;
  for (const Start& start : {Start(StartNow{}), Start(StartOldest{}), Start(StartLast{3})}) {
    Follower reader(f.log, start);
    EXPECT_TRUE(reader.Read().empty());
    EXPECT_EQ(reader.cursor(), Cursor{});
  }
  EXPECT_EQ(f.log.extent().epoch, 0u);
}

TEST(LogTest, UnpublishedIsInvisible) {
  LogFixture f;
  f.Start().AppendPublished(1);
  f.Append(3);
  Follower reader(f.log, StartOldest{});
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(1, 1));
  EXPECT_EQ(f.log.extent().last_sequence, 1u);
  f.log.Publish();
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(2, 4));
}

TEST(LogTest, UnpublishedIsInvisibleAcrossSegments) {
  LogFixture f(kSmall);
  f.Start().AppendPublished(1, 1000);
  f.Append(40, 1000);  // two segments more
  Follower reader(f.log, StartOldest{});
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(1, 1));
  f.log.Publish();
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(2, 41));
}

TEST(LogTest, ReadsAcrossSegmentBoundaries) {
  LogFixture f({.max_bytes = 1 << 20, .segment_bytes = 16 << 10});
  f.Start().AppendPublished(500, 333);
  for (const size_t max_bytes : {1u, 400u, 1000u, 16u << 10, 17u << 10, 100u << 10, 1u << 20}) {
    Follower reader(f.log, StartOldest{});
    EXPECT_EQ(RecordNumbers(reader.ReadAll(max_bytes)), Range(1, 500)) << max_bytes;
  }
}

TEST(LogTest, BatchesAreFullButNotTooLong) {
  LogFixture f({.max_bytes = 8 << 20, .segment_bytes = 64 << 10});
  f.Start().AppendPublished(10'000, 128);
  Follower reader(f.log, StartOldest{});
  const size_t max_bytes = 100 << 10;
  uint64_t records = 0;
  while (records < 9'000) {
    const LogBatch batch = reader.Read(max_bytes);
    EXPECT_LE(batch.body_bytes, max_bytes);
    EXPECT_GE(batch.body_bytes, max_bytes / 4 - 200);
    records += Decode(batch).size();
  }
}

TEST(LogTest, RecordLongerThanASegmentIsKeptWhole) {
  LogFixture f(kSmall);
  f.Start();
  f.Append(1, 10);
  f.Append(1, 30 << 10);
  f.Append(1, 10);
  f.log.Publish();
  Follower reader(f.log, StartOldest{});
  const std::vector<Seen> seen = reader.ReadAll();
  ASSERT_EQ(RecordNumbers(seen), Range(1, 3));
  EXPECT_EQ(seen[1].payload, PayloadOf(2, 30 << 10));
}

TEST(LogTest, RecordLongerThanTheLogIsStillKept) {
  LogFixture f(kSmall);
  f.Start().AppendPublished(3, 100);
  f.AppendPublished(1, 100 << 10);
  Follower reader(f.log, StartOldest{});
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(4, 4));
  f.AppendPublished(1, 100);
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(5, 5));
}

// Each evicts the one before and may get its very memory.
TEST(LogTest, EachRecordAsLongAsTheLogIsPublished) {
  LogFixture f(kSmall);
  f.Start();
  Follower reader(f.log, StartNow{});
  for (uint64_t i = 1; i <= 5; ++i) {
    f.AppendPublished(1, 60 << 10);
    EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(i, i));
  }
}

TEST(LogTest, RecordLongerThanABatchIsGivenWhole) {
  LogFixture f;
  f.Start();
  f.Append(1, 10);
  f.Append(1, 20'000);
  f.Append(1, 10);
  f.log.Publish();
  Follower reader(f.log, StartOldest{});
  EXPECT_EQ(RecordNumbers(Decode(reader.Read(4096))), Range(1, 1));
  EXPECT_EQ(RecordNumbers(Decode(reader.Read(4096))), Range(2, 2));
  EXPECT_EQ(RecordNumbers(Decode(reader.Read(4096))), Range(3, 3));
}

TEST(LogTest, EmptyPayloadsAreRecordsToo) {
  LogFixture f;
  f.Start();
  for (int i = 0; i < 3; ++i) f.log.Append({}, {});
  f.log.Publish();
  Follower reader(f.log, StartOldest{});
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(1, 3));
}

// The last byte of a segment: sizes around the room that is left.
TEST(LogTest, SegmentsFillToTheLastByte) {
  const size_t overhead =
      SizeOfRecord({.boottime_ns = 0, .cpu = 1, .type = 1}, 1000).element - 1000;
  for (int delta = -3; delta <= 3; ++delta) {
    LogFixture f(kSmall);
    f.Start().Append(1, 1000);
    const size_t left = (16 << 10) - (1000 + overhead);
    // One more byte of length in both varints above 16383 does not come here.
    f.Append(1, left - overhead - static_cast<size_t>(3) + static_cast<size_t>(3 + delta));
    f.AppendPublished(2, 1000);
    Follower reader(f.log, StartOldest{});
    EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(1, 4)) << delta;
  }
}

TEST(LogTest, MemoryStaysWithinItsBound) {
  LogFixture f(kSmall);
  f.Start();
  for (int i = 0; i < 2000; ++i) {
    f.AppendPublished(1, static_cast<size_t>(i % 700));
    ASSERT_LE(f.use->log_bytes.load(), kSmall.max_bytes);
    ASSERT_EQ(f.log.extent().bytes, f.use->log_bytes.load());
  }
  EXPECT_EQ(f.use->pinned_bytes.load(), 0u);
  EXPECT_GE(f.use->log_bytes.load(), kSmall.max_bytes - kSmall.segment_bytes);
}

TEST(LogTest, MemoryStaysWithinItsBoundWithoutPublishing) {
  LogFixture f(kSmall);
  f.Start();
  for (int i = 0; i < 1000; ++i) {
    f.Append(1, 500);
    ASSERT_LE(f.use->log_bytes.load(), kSmall.max_bytes);
  }
  f.log.Publish();
  Follower reader(f.log, StartAt{{LogFixture::kEpoch, 0}});
  const std::vector<Seen> seen = reader.ReadAll();
  EXPECT_EQ(RecordNumbers(seen).back(), 1000u);
  EXPECT_EQ(RecordNumbers(seen).size() + LostNumbers(seen, LossStage::kLogEviction), 1000u);
  EXPECT_EQ(f.log.extent().evicted_records, LostNumbers(seen));
}

TEST(LogTest, SlowReaderGetsExactLostCount) {
  LogFixture f(kSmall);
  f.Start().AppendPublished(10, 500);
  Follower reader(f.log, StartOldest{});
  EXPECT_EQ(RecordNumbers(Decode(reader.Read(600))), Range(1, 1));
  f.AppendPublished(1000, 500);

  const LogBatch batch = reader.Read();
  ASSERT_TRUE(batch.loss.has_value());
  EXPECT_EQ(batch.loss->stage, LossStage::kLogEviction);
  EXPECT_EQ(batch.loss->first_sequence, 2u);
  const uint64_t oldest = f.log.extent().oldest_sequence;
  EXPECT_EQ(batch.loss->count, oldest - 2);
  EXPECT_EQ(f.log.extent().evicted_records, oldest - 1);
  EXPECT_EQ(RecordNumbers(Decode(batch)).front(), oldest);
  reader.ReadAll();
  EXPECT_EQ(reader.cursor().sequence, 1010u);
}

TEST(LogTest, ReaderAtTheEndOfAnEvictedSegmentLostNothing) {
  LogFixture f(kSmall);
  f.Start().AppendPublished(1000, 500);
  const uint64_t oldest = f.log.extent().oldest_sequence;
  // Exactly before what is kept.
  Follower reader(f.log, StartAt{{LogFixture::kEpoch, oldest - 1}});
  const std::vector<Seen> seen = reader.ReadAll();
  EXPECT_EQ(RecordNumbers(seen), Range(oldest, 1000));
  EXPECT_EQ(LostNumbers(seen), 0u);
}

TEST(LogTest, LoweredBoundHoldsFromTheNextPublication) {
  LogFixture f({.max_bytes = 1 << 20, .segment_bytes = 16 << 10});
  f.Start().AppendPublished(1000, 500);
  f.log.SetMaxBytes(64 << 10);
  f.AppendPublished(1, 500);
  EXPECT_LE(f.use->log_bytes.load(), 64u << 10);
  Follower reader(f.log, StartLast{1});
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(1001, 1001));
}

TEST(LogTest, SlicesPinWhatTheLogHasDropped) {
  LogFixture f(kSmall);
  f.Start().AppendPublished(5, 500);
  Follower reader(f.log, StartOldest{});
  LogBatch held = reader.Read();
  EXPECT_EQ(f.use->pinned_bytes.load(), 0u);
  f.AppendPublished(1000, 500);

  EXPECT_EQ(f.use->pinned_bytes.load(), held.slices.at(0).segment->capacity());
  EXPECT_TRUE(held.slices.at(0).segment->evicted());
  EXPECT_EQ(RecordNumbers(Decode(held)), Range(1, 5));
  held = {};
  EXPECT_EQ(f.use->pinned_bytes.load(), 0u);
}

TEST(LogTest, SlicesOutliveTheirLog) {
  auto f = std::make_unique<LogFixture>(kSmall);
  const std::shared_ptr<MemoryUse> use = f->use;
  f->Start().AppendPublished(50, 500);
  LogBatch held = Follower(f->log, StartOldest{}).Read();
  f.reset();
  EXPECT_EQ(use->log_bytes.load(), 0u);
  EXPECT_GT(use->pinned_bytes.load(), 0u);
  EXPECT_EQ(RecordNumbers(Decode(held)), Range(1, 50));
  held = {};
  EXPECT_EQ(use->pinned_bytes.load(), 0u);
}

TEST(LogTest, QuietChannelTakesLittleMemory) {
  LogFixture f;
  EXPECT_EQ(f.use->log_bytes.load(), 0u);
  f.Start().AppendPublished(1);
  EXPECT_LE(f.use->log_bytes.load(), 16u << 10);
}

TEST(LogTest, ExtentCountsWhatWasAppended) {
  LogFixture f;
  f.Start().Append(3, 100);
  f.log.AppendLoss({.count = 4, .stage = LossStage::kKernelRing});
  f.log.AppendLoss({.count = 2, .stage = LossStage::kSource});
  f.AppendPublished(1, 100);
  const LogExtent extent = f.log.extent();
  EXPECT_EQ(extent.epoch, LogFixture::kEpoch);
  EXPECT_EQ(extent.schema_id, LogFixture::kSchema);
  EXPECT_EQ(extent.oldest_sequence, 1u);
  EXPECT_EQ(extent.last_sequence, 10u);
  EXPECT_EQ(extent.records, 4u);
  EXPECT_GT(extent.record_bytes, 400u);
  EXPECT_LT(extent.record_bytes, 600u);
  EXPECT_EQ(extent.lost[static_cast<size_t>(LossStage::kKernelRing)], 4u);
  EXPECT_EQ(extent.lost[static_cast<size_t>(LossStage::kSource)], 2u);
  EXPECT_EQ(extent.max_bytes, LogLimits{}.max_bytes);
}

}  // namespace
}  // namespace kchan::hub
