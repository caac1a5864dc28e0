// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "bridge/hub/log.h"
#include "tests/unit/hub/log_testing.h"

namespace kchan::hub {
namespace {

using testing::Decode;
using testing::Follower;
using testing::LogFixture;
using testing::LostNumbers;
using testing::Range;
using testing::RecordNumbers;
using testing::Seen;

constexpr uint64_t kEpoch = LogFixture::kEpoch;
constexpr LogLimits kSmall{.max_bytes = 64 << 10, .segment_bytes = 16 << 10};

TEST(LogSeekTest, NowGivesOnlyWhatComes) {
  LogFixture f;
  f.Start().AppendPublished(10);
  Follower reader(f.log, StartNow{});
  EXPECT_EQ(reader.cursor(), (Cursor{kEpoch, 10}));
  EXPECT_TRUE(reader.Read().empty());
  f.AppendPublished(2);
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(11, 12));
}

TEST(LogSeekTest, NowOfALogWithoutEpochsIsTheFirstOnesBeginning) {
  LogFixture f;
  Follower reader(f.log, StartNow{});
  EXPECT_TRUE(reader.Read().empty());
  f.Start().AppendPublished(3);
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(1, 3));
}

TEST(LogSeekTest, NowIsBehindTheHistoryThatAKernelStillHas) {
  LogFixture f;
  Follower before(f.log, StartNow{});
  f.log.StartEpoch(kEpoch - 1, LogFixture::kSchema, 1, /*has_history=*/true);  // all of it is
  f.AppendPublished(5);
  f.log.StartEpoch(kEpoch, LogFixture::kSchema, 1, /*has_history=*/true);
  f.AppendPublished(10);
  Follower meanwhile(f.log, StartNow{});
  for (Follower* reader : {&before, &meanwhile}) {
    EXPECT_TRUE(reader->Read().empty());
    testing::CountingWaiter waiter;
    EXPECT_TRUE(f.log.Wait(reader->position(), &waiter));
    f.log.Disarm(&waiter);
  }
  f.log.CaughtUp();
  f.AppendPublished(2);
  for (Follower* reader : {&before, &meanwhile}) {
    const std::vector<Seen> seen = reader->ReadAll();
    EXPECT_EQ(RecordNumbers(seen), Range(11, 12));
    EXPECT_EQ(LostNumbers(seen), 0u);
  }
  EXPECT_EQ(RecordNumbers(Follower(f.log, StartOldest{}).ReadAll()).size(), 17u);
}

// What was written after the source had attached is new, though it was read
// together with the history.
TEST(LogSeekTest, NowIsBehindWhatThereWasWhenTheSourceAttached) {
  LogFixture f;
  Follower reader(f.log, StartNow{});
  f.log.StartEpoch(kEpoch, LogFixture::kSchema, 1, /*has_history=*/true, /*history_end=*/6);
  f.AppendPublished(4);
  EXPECT_TRUE(reader.Read().empty());
  f.AppendPublished(6);
  f.log.CaughtUp();
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(7, 10));
}

TEST(LogSeekTest, OldestAfterEvictionReportsNoLoss) {
  LogFixture f(kSmall);
  f.Start().AppendPublished(1000, 500);
  const std::vector<Seen> seen = Follower(f.log, StartOldest{}).ReadAll();
  EXPECT_EQ(RecordNumbers(seen), Range(f.log.extent().oldest_sequence, 1000));
  EXPECT_GT(f.log.extent().oldest_sequence, 1u);
  EXPECT_EQ(LostNumbers(seen), 0u);
}

TEST(LogSeekTest, EveryCursorInEverySegmentResumesBehindIt) {
  LogFixture f(kSmall);
  f.Start().AppendPublished(120, 300);
  ASSERT_EQ(f.log.extent().oldest_sequence, 1u);
  for (uint64_t sequence = 0; sequence <= 120; ++sequence) {
    Follower reader(f.log, StartAt{{kEpoch, sequence}});
    EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(sequence + 1, 120));
  }
}

TEST(LogSeekTest, CursorBeforeTheOldestLosesWhatWasEvicted) {
  LogFixture f(kSmall);
  f.Start().AppendPublished(1000, 500);
  const uint64_t oldest = f.log.extent().oldest_sequence;
  for (const uint64_t sequence : {uint64_t{0}, uint64_t{1}, oldest - 2}) {
    const std::vector<Seen> seen = Follower(f.log, StartAt{{kEpoch, sequence}}).ReadAll();
    EXPECT_EQ(LostNumbers(seen, LossStage::kLogEviction), oldest - 1 - sequence);
    EXPECT_EQ(RecordNumbers(seen), Range(oldest, 1000));
  }
}

TEST(LogSeekTest, CursorBeyondWhatWasPublishedIsRefused) {
  LogFixture f;
  f.Start().AppendPublished(3);
  f.Append(1);
  EXPECT_TRUE(f.log.Seek(StartAt{{kEpoch, 3}}).has_value());
  EXPECT_FALSE(f.log.Seek(StartAt{{kEpoch, 4}}).has_value());
  EXPECT_FALSE(f.log.Seek(StartAt{{kEpoch, ~0ull}}).has_value());
  f.log.Publish();
  EXPECT_TRUE(f.log.Seek(StartAt{{kEpoch, 4}}).has_value());
}

TEST(LogSeekTest, LastGivesThatManyRecords) {
  LogFixture f(kSmall);
  f.Start().AppendPublished(120, 300);
  for (uint64_t n = 0; n <= 120; ++n) {
    Follower reader(f.log, StartLast{n});
    EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(121 - n, 120)) << n;
  }
  EXPECT_EQ(RecordNumbers(Follower(f.log, StartLast{1000}).ReadAll()), Range(1, 120));
}

TEST(LogSeekTest, LastCountsRecordsNotLosses) {
  LogFixture f;
  f.Start().Append(3);
  f.log.AppendLoss({.count = 100, .stage = LossStage::kKernelRing});
  f.Append(2);  // 104, 105
  f.log.AppendLoss({.count = 1, .stage = LossStage::kKernelRing});
  f.log.Publish();
  const std::vector<Seen> two = Follower(f.log, StartLast{2}).ReadAll();
  EXPECT_EQ(RecordNumbers(two), Range(104, 105));
  EXPECT_EQ(LostNumbers(two), 1u);
  const std::vector<Seen> three = Follower(f.log, StartLast{3}).ReadAll();
  EXPECT_EQ(RecordNumbers(three).front(), 3u);
  EXPECT_EQ(LostNumbers(three), 101u);
}

TEST(LogSeekTest, PositionSurvivesEvictionOfItsSegment) {
  LogFixture f(kSmall);
  f.Start().AppendPublished(50, 300);
  Follower reader(f.log, StartAt{{kEpoch, 20}});
  f.AppendPublished(1000, 300);
  const std::vector<Seen> seen = reader.ReadAll();
  const uint64_t oldest = f.log.extent().oldest_sequence;
  EXPECT_EQ(LostNumbers(seen), oldest - 21);
  EXPECT_EQ(RecordNumbers(seen), Range(oldest, 1050));
}

// What a client does that reconnects after every batch.
TEST(LogSeekTest, ResumingAtEachBatchEqualsReadingOn) {
  LogFixture f(kSmall);
  f.Start();
  for (int i = 0; i < 30; ++i) {
    f.Append(3, 200);
    f.log.AppendLoss({.count = 2, .stage = LossStage::kKernelRing});
  }
  f.log.Publish();
  Cursor cursor{kEpoch, 0};
  std::vector<uint64_t> records;
  uint64_t lost = 0;
  for (;;) {
    const LogBatch batch = Follower(f.log, StartAt{cursor}).Read(500);
    if (batch.empty()) break;
    const std::vector<Seen> seen = Decode(batch);
    for (const uint64_t number : RecordNumbers(seen)) records.push_back(number);
    lost += LostNumbers(seen);
    cursor = {batch.epoch, batch.last_sequence};
  }
  EXPECT_EQ(records.size(), 90u);
  EXPECT_EQ(lost, 60u);
  EXPECT_EQ(cursor.sequence, 150u);
}

}  // namespace
}  // namespace kchan::hub
