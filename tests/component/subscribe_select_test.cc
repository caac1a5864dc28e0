// SPDX-License-Identifier: Apache-2.0
// What a subscriber chooses beside channels, through the whole server.
#include <chrono>
#include <string>

#include "bridge/hub/boottime.h"
#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using Response = v1::SubscribeResponse;
using std::chrono::milliseconds;

google::protobuf::Timestamp At(std::chrono::system_clock::time_point time) {
  const auto ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  google::protobuf::Timestamp proto;
  proto.set_seconds(ns / 1'000'000'000);
  proto.set_nanos(static_cast<int32_t>(ns % 1'000'000'000));
  return proto;
}

// Fake records are made in the first moments behind the boot.
std::chrono::system_clock::time_point BootTime() {
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<milliseconds>(std::chrono::nanoseconds(hub::ClockOffsetNs())));
}

class SubscribeSelectTest : public ServerTest {
 protected:
  // How a stream with this request ends.
  grpc::Status EndOf(const v1::SubscribeRequest::Open& open) {
    return Reader(stub(), open).Finish();
  }
};

TEST_F(SubscribeSelectTest, EndsWithOkBehindSoManyRecords) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(1000);
  auto open = OpenFromOldest("tick");
  open.mutable_stop()->set_records(123);
  Reader reader(stub(), open);
  const grpc::Status status = reader.Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reader.ledger("tick").records, 123u);
  EXPECT_EQ(reader.ledger("tick").last, 123u);
  EXPECT_TRUE(HasNoSubscriptions());
}

TEST_F(SubscribeSelectTest, CountIsOfAllChannelsTogether) {
  Start();
  FakeSource one(hub(), "one");
  FakeSource two(hub(), "two");
  one.Append(10);
  two.Append(10);
  auto open = OpenFromOldest("*");
  open.mutable_stop()->set_records(15);
  Reader reader(stub(), open);
  EXPECT_TRUE(reader.Finish().ok());
  EXPECT_EQ(reader.ledger("one").records + reader.ledger("two").records, 15u);
}

TEST_F(SubscribeSelectTest, CountIsReachedByWhatComesLater) {
  Start();
  FakeSource tick(hub(), "tick");
  auto open = OpenOf("tick");
  open.set_window_bytes(500);
  open.mutable_stop()->set_records(3);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.Next()->has_hello());
  tick.Append(2);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 2));
  reader.Acknowledge("tick", kEpoch, 2);
  tick.Append(2);
  EXPECT_TRUE(reader.Finish().ok());
  EXPECT_EQ(reader.ledger("tick").records, 3u);
}

TEST_F(SubscribeSelectTest, EndsWithTheHistory) {
  Start();
  FakeSource tick(hub(), "tick");
  FakeSource quiet(hub(), "quiet");
  tick.Append(1000);
  auto open = OpenFromOldest("*");
  open.mutable_stop()->set_end_of_history(true);
  Reader reader(stub(), open);
  int ends = 0;
  reader.Until([&](const Response& response) {
    ends += response.has_history_end();
    return false;
  });
  EXPECT_TRUE(reader.Finish().ok());
  EXPECT_EQ(ends, 2);
  EXPECT_EQ(reader.ledger("tick").records, 1000u);
}

TEST_F(SubscribeSelectTest, UntilATimeThatPassesEndsAnIdleStream) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(5);
  auto open = OpenFromOldest("tick");
  *open.mutable_stop()->mutable_until() = At(std::chrono::system_clock::now() + milliseconds(50));
  Reader reader(stub(), open);
  EXPECT_TRUE(reader.Finish().ok());
  EXPECT_EQ(reader.ledger("tick").records, 5u);
}

TEST_F(SubscribeSelectTest, UntilBeforeTheFirstRecordGivesNothing) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(5);
  auto open = OpenFromOldest("tick");
  *open.mutable_stop()->mutable_until() = At(BootTime() - std::chrono::hours(1));
  Reader reader(stub(), open);
  EXPECT_TRUE(reader.Finish().ok());
  EXPECT_EQ(reader.ledger("tick").records, 0u);
}

TEST_F(SubscribeSelectTest, SinceWithholdsWhatIsOlderAndCountsIt) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(5);
  auto open = OpenFromOldest("tick");
  *open.mutable_selections(0)->mutable_start()->mutable_since() =
      At(std::chrono::system_clock::now());
  open.mutable_stop()->set_end_of_history(true);
  Reader reader(stub(), open);
  uint64_t filtered = 0;
  reader.Until([&](const Response& response) {
    filtered += response.batch().filtered();
    return false;
  });
  EXPECT_TRUE(reader.Finish().ok());
  EXPECT_EQ(filtered, 5u);
  EXPECT_EQ(reader.ledger("tick").records, 0u);
}

TEST_F(SubscribeSelectTest, SinceBeforeTheBootGivesWhatThereIs) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(5);
  auto open = OpenOf("tick");
  *open.mutable_selections(0)->mutable_start()->mutable_since() =
      At(BootTime() - std::chrono::hours(1));
  Reader reader(stub(), open);
  EXPECT_TRUE(reader.UntilSequence("tick", kEpoch, 5));
  EXPECT_EQ(reader.ledger("tick").records, 5u);
}

TEST_F(SubscribeSelectTest, WrongTimesAreNamed) {
  Start();
  FakeSource tick(hub(), "tick");
  auto open = OpenOf("tick");
  auto& since = *open.mutable_selections(0)->mutable_start()->mutable_since();
  since.set_nanos(-1);
  grpc::Status status = EndOf(open);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(DetailsOf(status)), "open.selections[0].start.since");

  since = At(std::chrono::system_clock::now());
  open.mutable_stop()->mutable_until()->set_seconds(INT64_MAX);
  status = EndOf(open);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(DetailsOf(status)), "open.stop.until");

  *open.mutable_stop()->mutable_until() =
      At(std::chrono::system_clock::now() - std::chrono::hours(1));
  status = EndOf(open);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(DetailsOf(status)), "open.stop.until");
}

TEST_F(SubscribeSelectTest, SamplesAndSaysHowMuchItWithheld) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(1000);
  auto open = OpenFromOldest("tick");
  open.set_sample_every(7);
  open.mutable_stop()->set_end_of_history(true);
  Reader reader(stub(), open);
  uint64_t sampled = 0;
  reader.Until([&](const Response& response) {
    sampled += response.batch().sampled();
    EXPECT_EQ(response.batch().sampled(), response.batch().filtered());
    for (const v1::Record& record : response.batch().records())
      EXPECT_EQ(record.sequence() % 7, 0u);
    return false;
  });
  EXPECT_TRUE(reader.Finish().ok());
  EXPECT_EQ(reader.ledger("tick").records, 142u);
  EXPECT_EQ(sampled, 858u);
  EXPECT_EQ(reader.ledger("tick").last, 1000u);
}

TEST_F(SubscribeSelectTest, RateLimitIsALossOfItsOwnStage) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(500);
  tick.AppendLoss(3, hub::LossStage::kKernelRing);
  tick.Append(500);
  auto open = OpenFromOldest("tick");
  open.set_max_records_per_second(100);
  open.mutable_stop()->set_end_of_history(true);
  Reader reader(stub(), open);
  EXPECT_TRUE(reader.Finish().ok());
  const Ledger& ledger = reader.ledger("tick");
  EXPECT_EQ(ledger.last, 1003u);
  EXPECT_GE(ledger.records, 100u);
  EXPECT_EQ(ledger.records + ledger.lost_at.at(v1::LOSS_STAGE_RATE_LIMIT), 1000u);
  EXPECT_EQ(ledger.lost_at.at(v1::LOSS_STAGE_KERNEL_RING), 3u);
}

TEST_F(SubscribeSelectTest, WithheldRecordsAreToldInPlaceOfAHeartbeat) {
  Start();
  FakeSource tick(hub(), "tick");
  auto open = OpenOf("tick");
  open.set_sample_every(1'000'000);
  open.mutable_heartbeat_interval()->set_nanos(100'000'000);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.Next()->has_hello());
  for (int i = 0; i < 10; ++i) tick.Append(1);
  int batches = 0;
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    batches += response.has_batch();
    const auto& cursors = response.heartbeat().cursors();
    return !cursors.empty() && cursors[0].sequence() == 10;
  }));
  EXPECT_GE(batches, 1);
  EXPECT_LE(batches, 3) << "not one for each record";
  EXPECT_EQ(reader.ledger("tick").last, 10u);
}

TEST_F(SubscribeSelectTest, LongWithheldHistoryIsPassedWhileAnotherStreamIsServed) {
  log_limits_.max_bytes = 32 << 20;
  Start();
  FakeSource tick(hub(), "tick");
  for (int i = 0; i < 100; ++i) tick.Append(1000, 100);
  auto open = OpenFromOldest("tick");
  open.set_sample_every(90'000);
  open.mutable_stop()->set_records(1);
  Reader sampler(stub(), open);
  Reader plain(stub(), OpenFromOldest("tick"));
  EXPECT_TRUE(plain.UntilSequence("tick", kEpoch, 100'000));
  EXPECT_TRUE(sampler.Finish().ok());
  EXPECT_EQ(sampler.ledger("tick").last, 90'000u);
  EXPECT_EQ(sampler.ledger("tick").records, 1u);
}

TEST_F(SubscribeSelectTest, OvertakenSkipsToTheNewest) {
  log_limits_ = {.max_bytes = 256 << 10, .segment_bytes = 16 << 10};
  Start();
  FakeSource tick(hub(), "tick");
  auto open = OpenOf("tick");
  open.set_overflow_policy(v1::OVERFLOW_POLICY_SKIP_TO_NEWEST);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.Next()->has_hello());
  reader.Pause();
  // Answered by nothing: the pause holds once what follows it does.
  tick.Append(10);
  for (int i = 0; i < 20; ++i) tick.Append(1000, 100);
  reader.Resume();
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 20'010));
  const Ledger& ledger = reader.ledger("tick");
  EXPECT_EQ(ledger.last, 20'010u);
  EXPECT_EQ(ledger.records + ledger.lost, 20'010u);
}

}  // namespace
}  // namespace kchan::testing
