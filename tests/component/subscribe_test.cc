// SPDX-License-Identifier: Apache-2.0
// What a subscriber gets, and in which order.
#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using Response = v1::SubscribeResponse;

class SubscribeTest : public ServerTest {};

TEST_F(SubscribeTest, HelloComesFirstAndSaysWhoSpeaksAndWhereItStarts) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(7);
  Reader reader(stub(), OpenOf("tick"));
  const auto hello = reader.Next();
  ASSERT_TRUE(hello && hello->has_hello());
  EXPECT_EQ(hello->hello().node().name(), "node-1");
  EXPECT_EQ(hello->hello().node().daemon_abi(), "1.0");
  ASSERT_EQ(hello->hello().cursors_size(), 1);
  EXPECT_EQ(hello->hello().cursors(0).channel(), "tick");
  EXPECT_EQ(hello->hello().cursors(0).epoch(), kEpoch);
  EXPECT_EQ(hello->hello().cursors(0).sequence(), 7u);
}

TEST_F(SubscribeTest, ClockOffsetTurnsBoottimeIntoUtc) {
  Start();
  FakeSource tick(hub(), "tick");
  Reader reader(stub(), OpenOf("tick"));
  const auto hello = reader.Next();
  ASSERT_TRUE(hello && hello->has_hello());
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  const int64_t boot_ns = boot.tv_sec * 1'000'000'000ll + boot.tv_nsec;
  const int64_t utc_ns = hello->hello().clock_offset_ns() + boot_ns;
  const int64_t now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
  EXPECT_NEAR(static_cast<double>(utc_ns), static_cast<double>(now_ns), 1e9);
}

TEST_F(SubscribeTest, RecordsArriveAsTheyWereAppended) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(3, 10);
  Reader reader(stub(), OpenFromOldest("tick"));
  v1::Batch batch;
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    batch = response.batch();
    return response.has_batch();
  }));
  EXPECT_EQ(batch.channel(), "tick");
  EXPECT_EQ(batch.epoch(), kEpoch);
  EXPECT_EQ(batch.schema_id(), FakeSchema()->id);
  ASSERT_EQ(batch.records_size(), 3);
  EXPECT_EQ(batch.records(1).sequence(), 2u);
  EXPECT_EQ(batch.records(1).cpu(), 1u);
  EXPECT_EQ(batch.records(1).type(), 1u);
  EXPECT_EQ(batch.records(1).payload(), std::string(10, 'x'));
}

TEST_F(SubscribeTest, HistoryEndMarksWhereLiveBegins) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(10);
  Reader reader(stub(), OpenFromOldest("tick"));
  v1::Cursor cursor;
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    cursor = response.history_end().cursor();
    return response.has_history_end();
  }));
  EXPECT_EQ(cursor.channel(), "tick");
  EXPECT_EQ(cursor.sequence(), 10u);
  EXPECT_EQ(reader.ledger("tick").records, 10u);
  tick.Append(5);
  EXPECT_TRUE(reader.UntilSequence("tick", kEpoch, 15));
  EXPECT_EQ(reader.ledger("tick").records, 15u);
}

TEST_F(SubscribeTest, NowGivesOnlyWhatComesAfter) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(10);
  Reader reader(stub(), OpenOf("tick"));
  ASSERT_TRUE(reader.Next()->has_hello());
  tick.Append(4);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 14));
  EXPECT_EQ(reader.ledger("tick").first, 11u);
  EXPECT_EQ(reader.ledger("tick").records, 4u);
}

TEST_F(SubscribeTest, LastRecordsGivesThatMany) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(100);
  auto open = OpenOf("tick");
  open.mutable_selections(0)->mutable_start()->set_last_records(3);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 100));
  EXPECT_EQ(reader.ledger("tick").first, 98u);
}

TEST_F(SubscribeTest, CursorResumesBehindItWithoutLossOrDuplicate) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(100);
  auto open = OpenOf("tick");
  v1::Cursor& cursor = *open.mutable_selections(0)->mutable_start()->mutable_cursor();
  cursor.set_epoch(kEpoch);
  cursor.set_sequence(40);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 100));
  EXPECT_EQ(reader.ledger("tick").first, 41u);
  EXPECT_EQ(reader.ledger("tick").records, 60u);
  EXPECT_EQ(reader.ledger("tick").lost, 0u);
}

TEST_F(SubscribeTest, CursorOfAnUnknownEpochGivesOneLossOfUnknownCountThenTheOldest) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(5);
  auto open = OpenOf("tick");
  v1::Cursor& cursor = *open.mutable_selections(0)->mutable_start()->mutable_cursor();
  cursor.set_epoch(kEpoch + 1);
  cursor.set_sequence(40);
  Reader reader(stub(), open);
  std::vector<v1::Lost> losses;
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    losses.insert(losses.end(), response.batch().lost().begin(), response.batch().lost().end());
    return response.batch().last_sequence() == 5;
  }));
  ASSERT_EQ(losses.size(), 1u);
  EXPECT_EQ(losses[0].count(), 0u);
  EXPECT_EQ(reader.ledger("tick", kEpoch).records, 5u);
}

TEST_F(SubscribeTest, LossesOfTheKernelStandAmongTheRecords) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(10);
  tick.AppendLoss(7, hub::LossStage::kKernelRing);
  tick.Append(3);
  tick.AppendLoss(2, hub::LossStage::kSource);  // at the tail: no record follows
  Reader reader(stub(), OpenFromOldest("tick"));
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 22));
  const Ledger& ledger = reader.ledger("tick");
  EXPECT_EQ(ledger.records, 13u);
  EXPECT_EQ(ledger.lost_at.at(v1::LOSS_STAGE_KERNEL_RING), 7u);
  EXPECT_EQ(ledger.lost_at.at(v1::LOSS_STAGE_SOURCE), 2u);
}

TEST_F(SubscribeTest, NewEpochIsAnnouncedBeforeItsFirstBatchAndTheStreamGoesOn) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(5);
  Reader reader(stub(), OpenFromOldest("tick"));
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 5));
  tick.StartEpoch(kEpoch + 1);
  tick.Append(3);
  bool announced = false;
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    if (response.channel_update().epoch() == kEpoch + 1) announced = true;
    return response.batch().epoch() == kEpoch + 1;
  }));
  EXPECT_TRUE(announced);
  EXPECT_EQ(reader.ledger("tick", kEpoch + 1).first, 1u);
}

TEST_F(SubscribeTest, StateOfAChannelIsTold) {
  Start();
  FakeSource tick(hub(), "tick");
  Reader reader(stub(), OpenOf("tick"));
  ASSERT_TRUE(reader.Next()->has_hello());
  tick.channel().SetState(hub::ChannelState::kEnded, "module unloaded");
  EXPECT_TRUE(reader.Until([](const Response& response) {
    const auto& update = response.channel_update();
    return update.state() == v1::CHANNEL_STATE_ENDED && update.reason() == "module unloaded";
  }));
}

TEST_F(SubscribeTest, GlobFollowsChannelsThatComeFromTheirBeginning) {
  Start();
  Reader reader(stub(), OpenOf("t*"));
  ASSERT_TRUE(reader.Next()->has_hello());
  FakeSource other(hub(), "other");
  other.Append(1);
  FakeSource tick(hub(), "tick");
  tick.Append(20);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 20));
  EXPECT_EQ(reader.ledger("tick").first, 1u);
  EXPECT_EQ(reader.ledger("other").last, 0u);
}

TEST_F(SubscribeTest, ChannelMatchedTwiceIsServedOnceByTheFirst) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(10);
  auto open = OpenOf("tick");
  open.mutable_selections(0)->mutable_start()->set_last_records(2);
  *open.add_selections() = OpenFromOldest("*").selections(0);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 10));
  EXPECT_EQ(reader.ledger("tick").records, 2u);
}

TEST_F(SubscribeTest, HalfClosedStreamIsServedAllTheSame) {
  Start();
  FakeSource tick(hub(), "tick");
  Reader reader(stub(), OpenOf("tick"));
  reader.HalfClose();
  ASSERT_TRUE(reader.Next()->has_hello());
  tick.Append(3);
  EXPECT_TRUE(reader.UntilSequence("tick", kEpoch, 3));
  tick.Append(3);
  EXPECT_TRUE(reader.UntilSequence("tick", kEpoch, 6));
}

TEST_F(SubscribeTest, HeartbeatComesWhenNothingElseDoesAndHasTheCursors) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(3);
  auto open = OpenFromOldest("tick");
  open.mutable_heartbeat_interval()->set_nanos(100'000'000);
  Reader reader(stub(), open);
  v1::Cursor cursor;
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    if (response.heartbeat().cursors_size() == 1) cursor = response.heartbeat().cursors(0);
    return response.has_heartbeat();
  }));
  EXPECT_EQ(cursor.channel(), "tick");
  EXPECT_EQ(cursor.epoch(), kEpoch);
  EXPECT_EQ(cursor.sequence(), 3u);
}

TEST_F(SubscribeTest, RecordsWaitForCompanyForTheMaximumDelayOnly) {
  Start();
  FakeSource tick(hub(), "tick");
  auto open = OpenOf("tick");
  open.mutable_heartbeat_interval()->set_nanos(100'000'000);
  open.mutable_max_delay()->set_nanos(500'000'000);
  Reader reader(stub(), open);
  // Only an idle stream delays, and only an idle one sends heartbeats.
  ASSERT_TRUE(reader.Until([](const Response& response) { return response.has_heartbeat(); }));
  tick.Append(1);
  tick.Append(1);
  uint64_t last = 0;
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    last = response.batch().last_sequence();
    return response.has_batch();
  }));
  EXPECT_EQ(last, 2u);
}

TEST_F(SubscribeTest, SourceMayWaitAsLongAsTheLeastPatientReader) {
  using std::chrono::milliseconds;
  Start();
  FakeSource tick(hub(), "tick");
  const hub::Patience& patience = tick.log().patience();
  const auto with_delay = [](int64_t delay_ns) {
    auto open = OpenOf("tick");
    open.mutable_max_delay()->set_seconds(delay_ns / 1'000'000'000);
    open.mutable_max_delay()->set_nanos(static_cast<int32_t>(delay_ns % 1'000'000'000));
    return open;
  };
  const auto has_begun = [](const Response& response) { return response.has_history_end(); };
  Reader patient(stub(), with_delay(10'000'000'000));
  ASSERT_TRUE(patient.Until(has_begun));
  EXPECT_EQ(patience.least(), milliseconds(50));
  {
    Reader other(stub(), with_delay(30'000'000));
    ASSERT_TRUE(other.Until(has_begun));
    EXPECT_EQ(patience.least(), milliseconds(15));
    Reader impatient(stub(), OpenOf("tick"));
    ASSERT_TRUE(impatient.Until(has_begun));
    EXPECT_EQ(patience.least(), milliseconds(0));
  }
  EXPECT_TRUE(Eventually([&] { return patience.least() == milliseconds(50); }));
}

TEST_F(SubscribeTest, BatchesKeepToTheSizeThatWasAsked) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(2000, 100);
  auto open = OpenFromOldest("tick");
  open.set_max_batch_bytes(8 << 10);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.Until([](const Response& response) {
    EXPECT_LE(response.ByteSizeLong(), (8u << 10) + 256);
    return response.batch().last_sequence() == 2000;
  }));
}

TEST_F(SubscribeTest, OneRecordIsAlwaysSentWhole) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(3, 50'000);
  auto open = OpenFromOldest("tick");
  open.set_max_batch_bytes(4 << 10);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 3));
  EXPECT_EQ(reader.ledger("tick").records, 3u);
}

TEST_F(SubscribeTest, EveryOfManyReadersSeesEverything) {
  Start();
  FakeSource tick(hub(), "tick");
  constexpr int kReaders = 16;
  constexpr uint64_t kRecords = 20'000;
  std::vector<std::unique_ptr<Reader>> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.push_back(std::make_unique<Reader>(stub(), OpenFromOldest("tick")));
    ASSERT_TRUE(readers.back()->Next()->has_hello());
  }
  std::vector<std::thread> threads;
  for (auto& reader : readers) {
    threads.emplace_back([&reader] { reader->UntilSequence("tick", kEpoch, kRecords); });
  }
  for (uint64_t i = 0; i < kRecords; i += 100) tick.Append(100, 100);
  for (std::thread& thread : threads) thread.join();
  for (const auto& reader : readers) {
    EXPECT_EQ(reader->ledger("tick").records, kRecords);
    EXPECT_EQ(reader->ledger("tick").lost, 0u);
  }
}

TEST_F(SubscribeTest, ChannelIsWantedForAsLongAsSomebodyReads) {
  Start();
  FakeSource tick(hub(), "tick");
  EXPECT_EQ(tick.channel().readers(), 0u);
  {
    Reader reader(stub(), OpenOf("tick"));
    ASSERT_TRUE(reader.Next()->has_hello());
    EXPECT_EQ(tick.channel().readers(), 1u);
  }
  EXPECT_TRUE(Eventually([&] { return tick.channel().readers() == 0; }));
}

}  // namespace
}  // namespace kchan::testing
