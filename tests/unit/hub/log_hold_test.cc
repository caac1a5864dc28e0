// SPDX-License-Identifier: Apache-2.0
// Readers that a log waits for.
#include "bridge/hub/log_hold.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/unit/hub/subscription_testing.h"

namespace kchan::hub {
namespace {

using testing::ByName;
using testing::CountingWaiter;
using testing::Follower;
using testing::LogFixture;
using testing::LostNumbers;
using testing::Range;
using testing::RecordNumbers;
using testing::SubscriptionTest;

constexpr LogLimits kLimits{.max_bytes = 64 << 10, .segment_bytes = 16 << 10};

// Appends as a source does that asks for room; returns how many records went in.
uint64_t Fill(LogFixture& f, uint64_t most = 1000) {
  uint64_t count = 0;
  while (count < most && f.log.Room() != 0) {
    f.AppendPublished(1, 1000);
    ++count;
  }
  return count;
}

TEST(LogHoldTest, WithoutOneThereIsAlwaysRoom) {
  LogFixture f(kLimits);
  f.Start();
  EXPECT_EQ(Fill(f), 1000u);
}

TEST(LogHoldTest, FullLogHasNoRoomAndEvictsNothing) {
  LogFixture f(kLimits);
  f.Start();
  Follower reader(f.log, StartOldest{});
  LogHold hold(f.log, reader.position());
  const uint64_t count = Fill(f);
  EXPECT_GT(count, 20u);
  EXPECT_LT(count, 64u);
  EXPECT_LE(f.use->log_bytes.load(), kLimits.max_bytes);
  EXPECT_EQ(f.log.extent().evicted_records, 0u);
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(1, count));
}

TEST(LogHoldTest, RoomComesWithTheReaderAndIsToldOnce) {
  LogFixture f(kLimits);
  f.Start();
  Follower reader(f.log, StartOldest{});
  LogHold hold(f.log, reader.position());
  uint64_t total = Fill(f);
  CountingWaiter writer;
  ASSERT_TRUE(f.log.WaitForRoom(&writer));
  hold.MoveTo(reader.position());
  EXPECT_EQ(writer.count, 0) << "it has not moved";
  while (writer.count == 0) {
    ASSERT_FALSE(reader.Read(4000).empty());
    hold.MoveTo(reader.position());
  }
  EXPECT_NE(f.log.Room(), 0u);
  EXPECT_FALSE(f.log.WaitForRoom(&writer)) << "there is room";
  hold.MoveTo(reader.position());
  EXPECT_EQ(writer.count, 1);
  total += Fill(f);
  EXPECT_EQ(LostNumbers(reader.ReadAll()), 0u);
  EXPECT_EQ(reader.cursor().sequence, total);
}

TEST(LogHoldTest, OneThatVanishesFreesAtOnce) {
  LogFixture f(kLimits);
  f.Start();
  std::optional<LogHold> hold(std::in_place, f.log, *f.log.Seek(StartOldest{}));
  Fill(f);
  CountingWaiter writer;
  ASSERT_TRUE(f.log.WaitForRoom(&writer));
  hold.reset();
  EXPECT_EQ(writer.count, 1);
  EXPECT_EQ(Fill(f), 1000u);
}

TEST(LogHoldTest, SlowestOfSeveralDecides) {
  LogFixture f(kLimits);
  f.Start();
  Follower reader(f.log, StartOldest{});
  LogHold fast(f.log, reader.position());
  std::optional<LogHold> slow(std::in_place, f.log, reader.position());
  Fill(f);
  CountingWaiter writer;
  ASSERT_TRUE(f.log.WaitForRoom(&writer));
  reader.ReadAll();
  fast.MoveTo(reader.position());
  EXPECT_EQ(writer.count, 0);
  slow.reset();
  EXPECT_EQ(writer.count, 1);
}

TEST(LogHoldTest, OneRecordLongerThanTheLogDoesNotBlockForEver) {
  LogFixture f(kLimits);
  f.Start();
  Follower reader(f.log, StartOldest{});
  LogHold hold(f.log, reader.position());
  f.AppendPublished(1, 80 << 10);
  EXPECT_EQ(f.log.Room(), 0u);
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(1, 1));
  hold.MoveTo(reader.position());
  EXPECT_NE(f.log.Room(), 0u);
  f.AppendPublished(5);
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(2, 6));
}

TEST(LogHoldTest, WriterThatDoesNotAskEvictsAllTheSame) {
  LogFixture f(kLimits);
  f.Start();
  Follower reader(f.log, StartOldest{});
  LogHold hold(f.log, reader.position());
  f.AppendPublished(500, 1000);
  EXPECT_LE(f.use->log_bytes.load(), kLimits.max_bytes);
  EXPECT_GT(LostNumbers(reader.ReadAll(), LossStage::kLogEviction), 0u) << "counted, at least";
}

TEST(LogHoldTest, LoweredBoundWaitsForTheReader) {
  LogFixture f(kLimits);
  f.Start();
  Follower reader(f.log, StartOldest{});
  std::optional<LogHold> hold(std::in_place, f.log, reader.position());
  const uint64_t count = Fill(f);
  f.log.SetMaxBytes(20 << 10);
  f.AppendPublished(1);
  EXPECT_EQ(f.log.extent().oldest_sequence, 1u);
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(1, count + 1));
  hold.reset();
  f.AppendPublished(1);
  EXPECT_GT(f.log.extent().oldest_sequence, 1u);
}

TEST(LogHoldTest, RaisedBoundIsRoom) {
  LogFixture f(kLimits);
  f.Start();
  LogHold hold(f.log, *f.log.Seek(StartOldest{}));
  Fill(f);
  CountingWaiter writer;
  ASSERT_TRUE(f.log.WaitForRoom(&writer));
  f.log.SetMaxBytes(200 << 10);
  EXPECT_EQ(writer.count, 1);
  EXPECT_NE(f.log.Room(), 0u);
}

TEST(LogHoldTest, HoldsAcrossEpochs) {
  LogFixture f(kLimits);
  f.Start();
  Follower reader(f.log, StartOldest{});
  LogHold hold(f.log, reader.position());
  f.AppendPublished(3, 1000);
  f.log.StartEpoch(7, LogFixture::kSchema, 1);
  const uint64_t count = Fill(f);
  const auto seen = reader.ReadAll();
  EXPECT_EQ(LostNumbers(seen), 0u);
  EXPECT_EQ(RecordNumbers(seen).size(), 3 + count);
}

class BlockTest : public SubscriptionTest {
 protected:
  BlockTest() { log_limits_.may_be_held = true; }
  std::shared_ptr<Channel> AddRing(const std::string& name) {
    ChannelDescription description;
    description.name = name;
    description.transport = "ring";
    auto channel = hub_.Upsert(std::make_shared<const ChannelDescription>(description));
    channel->log().StartEpoch(kEpoch, kSchema, 1);
    return channel;
  }
  SubscriptionOptions Blocking() {
    return {.selections = {ByName("exec")}, .overflow_policy = OverflowPolicy::kBlock};
  }
  // As a source that asks for room; returns how many records went in.
  static int Fill(Channel& channel) {
    int count = 0;
    for (; count < 1000 && channel.log().Room() != 0; ++count) Append(channel, 1, 500);
    return count;
  }
};

TEST_F(BlockTest, IsRefusedWhereTheOwnerDoesNotAllowIt) {
  log_limits_.may_be_held = false;
  auto exec = AddRing("exec");
  const absl::Status status = TryOpen(Blocking());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("channel exec: its owner does not allow"), std::string::npos);
  // The configuration may change.
  log_limits_.may_be_held = true;
  hub_.UpdateLogLimits();
  EXPECT_TRUE(TryOpen(Blocking()).ok());
}

TEST_F(BlockTest, IsRefusedWhereTheTransportCannotWait) {
  AddLive("exec");
  const absl::Status status = TryOpen(Blocking());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(BlockTest, LosesNothingAndLetsTheOthersRead) {
  auto exec = AddRing("exec");
  Open(Blocking());
  Script();
  uint64_t total = 0;
  uint64_t read = 0;
  for (int round = 0; round < 5; ++round) {
    const int count = Fill(*exec);
    ASSERT_GT(count, 0) << round;
    ASSERT_LT(count, 1000) << round;
    total += static_cast<uint64_t>(count);
    Follower other(exec->log(), StartOldest{});
    other.ReadAll();
    EXPECT_EQ(other.cursor().sequence, total);
    for (BatchOut out = NextBatch(); !out.batch.empty(); out = NextBatch()) {
      EXPECT_FALSE(out.batch.loss.has_value());
      EXPECT_EQ(out.batch.first_sequence, read + 1);
      read = out.batch.last_sequence;
    }
    EXPECT_EQ(read, total);
  }
}

TEST_F(BlockTest, WithheldRecordsNeedNotBeKept) {
  auto exec = AddRing("exec");
  SubscriptionOptions options = Blocking();
  options.sample_every = 1'000'000;
  Open(options);
  Script();
  for (int round = 0; round < 5; ++round) {
    EXPECT_GT(Fill(*exec), 0) << round;
    Script();
  }
}

TEST_F(BlockTest, EndsWithTheSubscription) {
  auto exec = AddRing("exec");
  Open(Blocking());
  Fill(*exec);
  CountingWaiter writer;
  ASSERT_TRUE(exec->log().WaitForRoom(&writer));
  subscription_.reset();
  EXPECT_EQ(writer.count, 1);
  EXPECT_EQ(Fill(*exec), 1000);
}

}  // namespace
}  // namespace kchan::hub
