// SPDX-License-Identifier: Apache-2.0
// Where a reader starts that asks for a time.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/hub/log_testing.h"

namespace kchan::hub {
namespace {

using testing::Follower;
using testing::LogFixture;
using testing::LostNumbers;
using testing::Range;
using testing::RecordNumbers;
using testing::Seen;

// LogFixture stamps number n with 1000 * n.
constexpr uint64_t TimeOf(uint64_t sequence) { return 1000 * sequence; }

// Small segments of known ends: record n is in segment (n - 1) / kPerSegment.
constexpr LogLimits kLimits{.max_bytes = 64 << 10, .segment_bytes = 16 << 10};
constexpr uint64_t kPerSegment = 15;  // of 1000 bytes and their headers

struct SinceFixture : LogFixture {
  SinceFixture() : LogFixture(kLimits) { Start(); }
  void Append(uint64_t count) { AppendPublished(count, 1000); }
  uint64_t StartsAt(uint64_t boottime_ns) {
    return log.Seek(StartSince{boottime_ns})->cursor.sequence + 1;
  }
};

TEST(LogSinceTest, EmptyLogIsWaitedFor) {
  LogFixture f;
  Follower reader(f.log, StartSince{5});
  EXPECT_TRUE(reader.Read().empty());
  f.Start().AppendPublished(1);
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(1, 1));
}

TEST(LogSinceTest, OneRecordAndItsTimeBeforeAtAndBehind) {
  LogFixture f;
  f.Start().AppendPublished(1);
  EXPECT_EQ(f.log.Seek(StartSince{TimeOf(1) - 1})->cursor.sequence, 0u);
  EXPECT_EQ(f.log.Seek(StartSince{TimeOf(1)})->cursor.sequence, 0u)
      << "exactly equal is young enough";
  EXPECT_EQ(f.log.Seek(StartSince{TimeOf(1) + 1})->cursor.sequence, 1u) << "behind it all";
}

TEST(LogSinceTest, StartsWithTheFirstSegmentThatMayHaveIt) {
  SinceFixture f;
  f.Append(3 * kPerSegment);
  ASSERT_EQ(f.log.extent().oldest_sequence, 1u);
  EXPECT_EQ(f.StartsAt(TimeOf(kPerSegment)), 1u);
  EXPECT_EQ(f.StartsAt(TimeOf(kPerSegment) + 1), kPerSegment + 1);
  EXPECT_EQ(f.StartsAt(TimeOf(2 * kPerSegment)), kPerSegment + 1);
  EXPECT_EQ(f.StartsAt(TimeOf(2 * kPerSegment) + 1), 2 * kPerSegment + 1);
}

TEST(LogSinceTest, OneYoungRecordAmongOldOnesCounts) {
  LogFixture f(kLimits);
  f.Start();
  const auto append = [&](uint64_t boottime_ns) {
    const std::string payload(1000, 'x');
    f.log.Append({.boottime_ns = boottime_ns, .cpu = 0, .type = 1},
                 std::as_bytes(std::span(payload)));
  };
  append(9000);  // of a CPU that is ahead
  for (uint64_t i = 1; i < 3 * kPerSegment; ++i) append(10 + i);
  f.log.Publish();
  EXPECT_EQ(f.log.Seek(StartSince{5000})->cursor.sequence, 0u);
}

TEST(LogSinceTest, EvictedRecordsThatMayBeYoungerAreOneLoss) {
  SinceFixture f;
  f.Append(10 * kPerSegment);
  const uint64_t oldest = f.log.extent().oldest_sequence;
  ASSERT_GT(oldest, 2 * kPerSegment);
  // A time in the second segment, which is gone: the first is no part of it.
  Follower reader(f.log, StartSince{TimeOf(kPerSegment + 1)});
  const std::vector<Seen> seen = reader.ReadAll();
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.front().first, kPerSegment + 1);
  EXPECT_EQ(seen.front().stage, LossStage::kLogEviction);
  EXPECT_EQ(seen.front().count, oldest - kPerSegment - 1);
  EXPECT_EQ(RecordNumbers(seen), Range(oldest, 10 * kPerSegment));
}

TEST(LogSinceTest, TimeOfTheOldestKeptHasNoLoss) {
  SinceFixture f;
  f.Append(10 * kPerSegment);
  const uint64_t oldest = f.log.extent().oldest_sequence;
  Follower reader(f.log, StartSince{TimeOf(oldest)});
  const std::vector<Seen> seen = reader.ReadAll();
  EXPECT_EQ(LostNumbers(seen), 0u);
  EXPECT_EQ(RecordNumbers(seen), Range(oldest, 10 * kPerSegment));
}

TEST(LogSinceTest, TimeBeforeEverythingCountsWhatADaemonBeforeMayHaveHad) {
  LogFixture f;
  f.log.StartEpoch(LogFixture::kEpoch, LogFixture::kSchema, 100);
  f.AppendPublished(5);
  Follower early(f.log, StartSince{TimeOf(100)});
  EXPECT_EQ(LostNumbers(early.ReadAll(), LossStage::kDaemonRestart), 99u);
  // Numbers before a record that is older already are older too.
  Follower late(f.log, StartSince{TimeOf(101)});
  EXPECT_EQ(LostNumbers(late.ReadAll()), 0u);
}

TEST(LogSinceTest, CrossesIntoTheNextEpoch) {
  SinceFixture f;
  f.Append(2);
  f.log.StartEpoch(7, LogFixture::kSchema, 1);
  f.Append(kPerSegment);
  Follower reader(f.log, StartSince{TimeOf(1)});
  EXPECT_EQ(RecordNumbers(reader.ReadAll()).size(), 2 + kPerSegment);
  // As young as the second epoch's only.
  EXPECT_EQ(f.log.Seek(StartSince{TimeOf(3)})->cursor, (Cursor{7, 0}));
}

TEST(LogSinceTest, ForgottenEpochIsALossOfUnknownCount) {
  SinceFixture f;
  f.Append(10);
  for (uint64_t epoch = 1; epoch <= Log::kMaxEpochs; ++epoch) {
    f.log.StartEpoch(epoch, LogFixture::kSchema, 1);
    f.log.Publish();
  }
  f.Append(1);
  Follower reader(f.log, StartSince{TimeOf(5)});
  const std::vector<Seen> seen = reader.ReadAll();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].stage, LossStage::kLogEviction);
  EXPECT_EQ(seen[0].count, 0u);
}

TEST(EvictedSpansTest, JoinsTheOldestAndForgetsNothing) {
  EvictedSpans spans;
  const uint64_t count = EvictedSpans::kMaxSpans + 50;
  for (uint64_t n = 1; n <= count; ++n) {
    spans.Add({.run = 1, .first_sequence = n, .newest_ns = TimeOf(n)});
  }
  EXPECT_EQ(spans.Since(TimeOf(count))->first_sequence, count);
  EXPECT_EQ(spans.Since(1)->first_sequence, 1u);
  EXPECT_EQ(spans.Since(TimeOf(51))->first_sequence, 1u) << "the joined ones count as one";
  EXPECT_EQ(spans.Since(TimeOf(52))->first_sequence, 52u);
  EXPECT_EQ(spans.Since(TimeOf(count) + 1), nullptr);
  spans.ForgetBefore(2);
  EXPECT_EQ(spans.Since(1), nullptr);
  EXPECT_EQ(spans.forgotten_newest_ns(), TimeOf(count));
}

}  // namespace
}  // namespace kchan::hub
