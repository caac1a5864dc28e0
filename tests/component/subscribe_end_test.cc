// SPDX-License-Identifier: Apache-2.0
// How subscriptions end: each status, cancellation at each point, shutdown.
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using grpc::StatusCode;

class SubscribeEndTest : public ServerTest {
 protected:
  // Opens with `change` applied to a good request; how the stream ends.
  grpc::Status EndOf(const std::function<void(v1::SubscribeRequest::Open&)>& change) {
    auto open = OpenOf("tick");
    change(open);
    Reader reader(stub(), open);
    return reader.Finish();
  }

  void ExpectBadField(const grpc::Status& status, const std::string& field) {
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << status.error_message();
    EXPECT_EQ(FieldOf(DetailsOf(status)), field) << status.error_message();
  }

  // Fills the connection of a reader that takes nothing any more.
  static void Flood(FakeSource& source) {
    for (int i = 0; i < 100; ++i) source.Append(1000, 100);
  }
};

TEST_F(SubscribeEndTest, UnknownNameIsNotFound) {
  Start();
  const grpc::Status status = EndOf([](auto&) {});
  EXPECT_EQ(status.error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(DetailsOf(status)), "NO_SUCH_CHANNEL");
}

TEST_F(SubscribeEndTest, WrongRequestIsInvalidAndNamesItsField) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(5);
  ExpectBadField(EndOf([](auto& open) { open.clear_selections(); }), "open.selections");
  ExpectBadField(EndOf([](auto& open) { open.add_selections(); }), "open.selections[1]");
  ExpectBadField(EndOf([](auto& open) { open.mutable_selections(0)->set_glob("[a"); }),
                 "open.selections[0].glob");
  ExpectBadField(EndOf([](auto& open) { open.set_max_batch_bytes(100); }), "open.max_batch_bytes");
  ExpectBadField(EndOf([](auto& open) { open.set_max_batch_bytes(2 << 20); }),
                 "open.max_batch_bytes");
  ExpectBadField(EndOf([](auto& open) { open.mutable_max_delay()->set_seconds(11); }),
                 "open.max_delay");
  ExpectBadField(EndOf([](auto& open) { open.mutable_max_delay()->set_seconds(-1); }),
                 "open.max_delay");
  ExpectBadField(EndOf([](auto& open) { open.mutable_max_delay()->set_seconds(INT64_MAX); }),
                 "open.max_delay");
  ExpectBadField(EndOf([](auto& open) { open.mutable_heartbeat_interval()->set_nanos(1); }),
                 "open.heartbeat_interval");
  ExpectBadField(
      EndOf([](auto& open) { open.set_overflow_policy(static_cast<v1::OverflowPolicy>(99)); }),
      "open.overflow_policy");
  auto start = [](auto& open) { return open.mutable_selections(0)->mutable_start(); };
  ExpectBadField(EndOf([&](auto& open) { start(open)->mutable_cursor(); }),
                 "open.selections[0].start.cursor.epoch");
  ExpectBadField(EndOf([&](auto& open) {
                   start(open)->mutable_cursor()->set_epoch(kEpoch);
                   start(open)->mutable_cursor()->set_sequence(6);  // not reached yet
                 }),
                 "open.selections[0].start.cursor");
  ExpectBadField(EndOf([&](auto& open) {
                   start(open)->mutable_cursor()->set_epoch(kEpoch);
                   start(open)->mutable_cursor()->set_channel("tock");
                 }),
                 "open.selections[0].start.cursor.channel");
  ExpectBadField(EndOf([&](auto& open) {
                   start(open)->mutable_cursor()->set_epoch(kEpoch);
                   open.mutable_selections(0)->set_glob("t*");
                 }),
                 "open.selections[0].start.cursor");
}

TEST_F(SubscribeEndTest, FirstRequestMustOpenAndNoOtherMay) {
  Start();
  FakeSource tick(hub(), "tick");
  Reader pauses(stub());
  pauses.Pause();
  ExpectBadField(pauses.Finish(), "open");

  Reader opens_twice(stub(), OpenOf("tick"));
  opens_twice.Open(OpenOf("tick"));
  ExpectBadField(opens_twice.Finish(), "open");

  Reader closes(stub());
  closes.HalfClose();
  ExpectBadField(closes.Finish(), "open");
}

TEST_F(SubscribeEndTest, RequestOfAnUnknownKindIsInvalid) {
  Start();
  FakeSource tick(hub(), "tick");
  Reader reader(stub(), OpenOf("tick"));
  reader.Send({});
  EXPECT_EQ(reader.Finish().error_code(), StatusCode::INVALID_ARGUMENT);
}

TEST_F(SubscribeEndTest, WindowAndHalfCloseContradictEachOther) {
  Start();
  FakeSource tick(hub(), "tick");
  auto open = OpenOf("tick");
  open.set_window_bytes(1 << 20);
  Reader reader(stub(), open);
  reader.HalfClose();
  ExpectBadField(reader.Finish(), "open.window_bytes");
}

TEST_F(SubscribeEndTest, AcknowledgingWhatWasNotSentIsInvalid) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(5);
  auto open = OpenFromOldest("tick");
  open.set_window_bytes(1 << 20);
  const auto acknowledge = [&](const std::string& channel, uint64_t epoch, uint64_t sequence) {
    Reader reader(stub(), open);
    EXPECT_TRUE(reader.UntilSequence("tick", kEpoch, 5));
    reader.Acknowledge(channel, epoch, sequence);
    return reader.Finish();
  };
  ExpectBadField(acknowledge("tick", kEpoch, 6), "acknowledge.cursors[0]");
  ExpectBadField(acknowledge("tick", kEpoch + 1, 5), "acknowledge.cursors[0]");
  ExpectBadField(acknowledge("tock", kEpoch, 5), "acknowledge.cursors[0]");
}

TEST_F(SubscribeEndTest, OneSubscriptionTooManyIsRefusedUntilAnotherEnds) {
  options_.limits.max_subscriptions = 2;
  Start();
  FakeSource tick(hub(), "tick");
  Reader first(stub(), OpenOf("tick"));
  ASSERT_TRUE(first.Next()->has_hello());
  {
    Reader second(stub(), OpenOf("tick"));
    ASSERT_TRUE(second.Next()->has_hello());
    const grpc::Status status = EndOf([](auto&) {});
    EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(ReasonOf(DetailsOf(status)), "TOO_MANY_STREAMS");
    EXPECT_TRUE(HasRetryInfo(DetailsOf(status)));
  }
  ASSERT_TRUE(Eventually([&] { return Status().subscriptions() == 1; }));
  Reader third(stub(), OpenOf("tick"));
  EXPECT_TRUE(third.Next()->has_hello());
}

TEST_F(SubscribeEndTest, ReaderThatPinsTooMuchIsEndedAndOthersAreNot) {
  hub_limits_.max_pinned_bytes = 64 << 10;  // less than one segment
  log_limits_ = {.max_bytes = 1 << 20, .segment_bytes = 128 << 10};
  Start();
  FakeSource tick(hub(), "tick");
  FakeSource idle(hub(), "idle");
  auto open = OpenOf("tick");
  open.set_max_batch_bytes(1 << 20);
  Reader stalled(stub(), open);
  ASSERT_TRUE(stalled.Next()->has_hello());
  Reader quiet(stub(), OpenOf("idle"));
  ASSERT_TRUE(quiet.Next()->has_hello());

  // The stalled one has a batch on the way that its connection does not take,
  // and the log drops what that is made of.
  ASSERT_TRUE(Eventually([&] {
    tick.Append(500, 100);
    return Status().subscriptions() == 1;
  }));
  const grpc::Status status = stalled.Finish();
  EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_NE(status.error_message().find("tick epoch"), std::string::npos) << status.error_message();
  EXPECT_TRUE(Eventually([&] { return Status().pinned_bytes() <= hub_limits_.max_pinned_bytes; }));

  idle.Append(1);
  EXPECT_TRUE(quiet.UntilSequence("idle", kEpoch, 1));
}

TEST_F(SubscribeEndTest, ReaderEndedForPinningResumesWithItsCursorExactly) {
  hub_limits_.max_pinned_bytes = 64 << 10;  // less than one segment
  log_limits_ = {.max_bytes = 1 << 20, .segment_bytes = 128 << 10};
  Start();
  FakeSource tick(hub(), "tick");
  auto open = OpenFromOldest("tick");
  open.set_max_batch_bytes(1 << 20);
  Reader stalled(stub(), open);
  ASSERT_TRUE(stalled.Next()->has_hello());
  ASSERT_TRUE(Eventually([&] {
    tick.Append(500, 100);
    return Status().subscriptions() == 0;
  })) << Status().ShortDebugString();
  EXPECT_EQ(stalled.Finish().error_code(), StatusCode::RESOURCE_EXHAUSTED);
  const uint64_t reached = stalled.ledger("tick").last;

  v1::Cursor& cursor = *open.mutable_selections(0)->mutable_start()->mutable_cursor();
  cursor.set_epoch(kEpoch);
  cursor.set_sequence(reached);
  const uint64_t last = tick.log().extent().last_sequence;
  Reader resumed(stub(), open);
  ASSERT_TRUE(resumed.UntilSequence("tick", kEpoch, last));
  const Ledger& ledger = resumed.ledger("tick");
  EXPECT_EQ(ledger.first, reached + 1);
  EXPECT_EQ(ledger.records + ledger.lost, last - reached);
}

TEST_F(SubscribeEndTest, CancelAtAnyPointLeavesNothingBehind) {
  Start();
  FakeSource tick(hub(), "tick");
  auto windowed = OpenFromOldest("tick");
  windowed.set_window_bytes(1);
  const std::vector<std::function<void()>> points = {
      [&] { Reader nothing_sent(stub()); },
      [&] { Reader opened(stub(), OpenOf("tick")); },
      [&] {
        Reader greeted(stub(), OpenOf("tick"));
        greeted.Next();
      },
      [&] {
        Reader stalled(stub(), OpenFromOldest("tick"));
        stalled.Next();
        Flood(tick);
      },
      [&] {
        Reader reading(stub(), OpenFromOldest("tick"));
        reading.Until([](const auto& response) { return response.has_batch(); });
      },
      [&] {
        Reader paused(stub(), OpenOf("tick"));
        paused.Pause();
        Flood(tick);
      },
      [&] {
        Reader window_full(stub(), windowed);
        window_full.Until([](const auto& response) { return response.has_batch(); });
      },
      [&] {
        Reader half_closed(stub(), OpenOf("tick"));
        half_closed.HalfClose();
      },
      [&] {
        Reader refused(stub(), OpenOf("nope"));
        refused.Pause();
      },
  };
  for (int round = 0; round < 10; ++round) {
    for (const auto& point : points) point();
  }
  EXPECT_TRUE(HasNoSubscriptions());
  EXPECT_EQ(tick.channel().readers(), 0u);
  EXPECT_TRUE(Eventually([&] { return Status().pinned_bytes() == 0; }));
}

TEST_F(SubscribeEndTest, ShutdownEndsStreamsWithUnavailableAndInTime) {
  options_.drain_timeout = std::chrono::milliseconds(500);
  Start();
  FakeSource tick(hub(), "tick");
  Reader unopened(stub());
  Reader idle(stub(), OpenOf("tick"));
  ASSERT_TRUE(idle.Next()->has_hello());
  Reader stalled(stub(), OpenOf("tick"));
  ASSERT_TRUE(stalled.Next()->has_hello());
  Flood(tick);
  const auto before = std::chrono::steady_clock::now();
  server().Shutdown();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
  for (Reader* reader : {&unopened, &idle, &stalled}) {
    EXPECT_EQ(reader->Finish().error_code(), StatusCode::UNAVAILABLE);
  }
}

TEST_F(SubscribeEndTest, ReaderThatReadsGetsEverythingBeforeTheShutdown) {
  Start();
  FakeSource tick(hub(), "tick");
  Reader reader(stub(), OpenFromOldest("tick"));
  tick.Append(1000, 100);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 1000));
  server().Shutdown();
  const grpc::Status status = reader.Finish();
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(DetailsOf(status)), "SHUTTING_DOWN");
  EXPECT_TRUE(HasRetryInfo(DetailsOf(status)));
}

TEST_F(SubscribeEndTest, ShutdownWaitsNoLongerThanItsStreams) {
  options_.drain_timeout = std::chrono::seconds(20);
  Start();
  FakeSource tick(hub(), "tick");
  Reader reader(stub(), OpenOf("tick"));
  ASSERT_TRUE(reader.Next()->has_hello());
  const auto before = std::chrono::steady_clock::now();
  server().Shutdown();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

TEST_F(SubscribeEndTest, RemovedChannelEndsTheStreamThatReadsNothingElse) {
  Start();
  FakeSource tick(hub(), "tick");
  Reader reader(stub(), OpenOf("tick"));
  ASSERT_TRUE(reader.Next()->has_hello());
  hub().Remove("tick");
  EXPECT_EQ(reader.Finish().error_code(), StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace kchan::testing
