// SPDX-License-Identifier: Apache-2.0
// Readers that are slow, pause, or acknowledge.
#include <cstdint>

#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using Response = v1::SubscribeResponse;

class SubscribeFlowTest : public ServerTest {
 protected:
  // A request with a heartbeat so short that it proves that nothing comes.
  static v1::SubscribeRequest::Open Impatient(v1::SubscribeRequest::Open open) {
    open.mutable_heartbeat_interval()->set_nanos(100'000'000);
    return open;
  }

  static bool UntilHeartbeat(Reader& reader) {
    return reader.Until([](const Response& response) { return response.has_heartbeat(); });
  }
};

TEST_F(SubscribeFlowTest, SlowReaderGetsItsLossExactlyAndGoesOn) {
  Start();
  FakeSource tick(hub(), "tick");
  Reader reader(stub(), OpenOf("tick"));
  ASSERT_TRUE(reader.Next()->has_hello());
  // Several logs full, while nobody takes anything off the connection.
  constexpr uint64_t kRecords = 200'000;
  for (uint64_t i = 0; i < kRecords; i += 1000) tick.Append(1000, 100);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, kRecords));
  const Ledger& ledger = reader.ledger("tick");
  EXPECT_EQ(ledger.first, 1u);
  EXPECT_EQ(ledger.records + ledger.lost, kRecords);
  EXPECT_GT(ledger.lost, 0u);
  EXPECT_EQ(ledger.lost_at.at(v1::LOSS_STAGE_LOG_EVICTION), ledger.lost);
}

TEST_F(SubscribeFlowTest, StalledReaderCostsAnotherNothing) {
  Start();
  FakeSource tick(hub(), "tick");
  Reader stalled(stub(), OpenOf("tick"));
  Reader quick(stub(), OpenOf("tick"));
  ASSERT_TRUE(quick.Next()->has_hello());
  constexpr uint64_t kRecords = 100'000;
  for (uint64_t i = 0; i < kRecords; i += 1000) {
    tick.Append(1000, 100);
    ASSERT_TRUE(quick.UntilSequence("tick", kEpoch, i + 1000));
  }
  EXPECT_EQ(quick.ledger("tick").records, kRecords);
  EXPECT_EQ(quick.ledger("tick").lost, 0u);
}

// A write that takes longer than the heartbeat interval once had a deadline in
// the past, again and again.
TEST_F(SubscribeFlowTest, ReaderStalledForLongerThanItsHeartbeatCostsAnotherNothing) {
  Start();
  FakeSource tick(hub(), "tick");
  Reader stalled(stub(), Impatient(OpenOf("tick")));
  Reader quick(stub(), Impatient(OpenOf("tick")));
  ASSERT_TRUE(quick.Next()->has_hello());
  constexpr uint64_t kRecords = 20'000;
  for (uint64_t i = 0; i < kRecords; i += 1000) {
    tick.Append(1000, 100);
    ASSERT_TRUE(quick.UntilSequence("tick", kEpoch, i + 1000));
  }
  for (int heartbeats = 0; heartbeats < 5; ++heartbeats) ASSERT_TRUE(UntilHeartbeat(quick));
  tick.Append(1);
  EXPECT_TRUE(quick.UntilSequence("tick", kEpoch, kRecords + 1));
}

TEST_F(SubscribeFlowTest, ReaderThatAskedForItIsDisconnectedWhenItFallsBehind) {
  Start();
  FakeSource tick(hub(), "tick");
  auto open = OpenOf("tick");
  open.set_overflow_policy(v1::OVERFLOW_POLICY_DISCONNECT);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.Next()->has_hello());
  for (int i = 0; i < 200; ++i) tick.Append(1000, 100);
  const grpc::Status status = reader.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE) << status.error_message();
  EXPECT_EQ(reader.ledger("tick").lost, 0u);
}

TEST_F(SubscribeFlowTest, WindowBoundsWhatIsUnacknowledgedAndAcknowledgingOpensIt) {
  Start();
  FakeSource tick(hub(), "tick");
  constexpr uint64_t kRecords = 10'000;
  for (uint64_t i = 0; i < kRecords; i += 1000) tick.Append(1000, 100);
  constexpr uint64_t kWindow = 64 << 10;
  auto open = Impatient(OpenFromOldest("tick"));
  open.set_window_bytes(kWindow);
  open.set_max_batch_bytes(8 << 10);
  Reader reader(stub(), open);
  uint64_t bytes_before = 0;
  while (true) {
    ASSERT_TRUE(UntilHeartbeat(reader));  // nothing more comes
    const Ledger& ledger = reader.ledger("tick");
    // The headers of the batches are not counted by the window.
    EXPECT_LE(ledger.bytes - bytes_before, kWindow + 16 * 64);
    if (ledger.last == kRecords) break;
    bytes_before = ledger.bytes;
    const uint64_t last = ledger.last;
    reader.Acknowledge("tick", kEpoch, last);
    // A heartbeat may be on its way before the acknowledgement is there.
    ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, last + 1)) << "the window did not open";
  }
  EXPECT_EQ(reader.ledger("tick").records, kRecords);
}

TEST_F(SubscribeFlowTest, WindowSmallerThanABatchStillLetsOneThrough) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(1000, 100);
  auto open = Impatient(OpenFromOldest("tick"));
  open.set_window_bytes(1);
  open.set_max_batch_bytes(8 << 10);
  Reader reader(stub(), open);
  ASSERT_TRUE(UntilHeartbeat(reader));
  const uint64_t last = reader.ledger("tick").last;
  EXPECT_GT(last, 0u);
  EXPECT_LT(last, 1000u);
  reader.Acknowledge("tick", kEpoch, last);
  EXPECT_TRUE(reader.UntilSequence("tick", kEpoch, last + 1));
}

TEST_F(SubscribeFlowTest, AcknowledgingPartOpensTheWindowByThatPart) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(5000, 100);
  auto open = Impatient(OpenFromOldest("tick"));
  open.set_window_bytes(32 << 10);
  open.set_max_batch_bytes(8 << 10);
  Reader reader(stub(), open);
  uint64_t first_batch_end = 0;
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    if (first_batch_end == 0) first_batch_end = response.batch().last_sequence();
    return response.has_heartbeat();
  }));
  const uint64_t full = reader.ledger("tick").last;
  reader.Acknowledge("tick", kEpoch, first_batch_end);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, full + 1));
  ASSERT_TRUE(UntilHeartbeat(reader));
  EXPECT_LE(reader.ledger("tick").last, full + first_batch_end);
}

TEST_F(SubscribeFlowTest, PausedReaderGetsHeartbeatsButNoBatchesUntilItResumes) {
  Start();
  FakeSource tick(hub(), "tick");
  Reader reader(stub(), Impatient(OpenOf("tick")));
  ASSERT_TRUE(reader.Next()->has_hello());
  reader.Pause();
  // The request travels: it holds when heartbeats come though records wait.
  uint64_t appended = 0;
  ASSERT_TRUE(Eventually([&] {
    tick.Append(1);
    ++appended;
    const auto response = reader.Next();
    return response->has_heartbeat() && response->heartbeat().cursors(0).sequence() < appended;
  }));
  const uint64_t before = reader.ledger("tick").last;
  tick.Append(50);
  ASSERT_TRUE(UntilHeartbeat(reader));
  EXPECT_EQ(reader.ledger("tick").last, before);
  reader.Resume();
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, appended + 50));
  EXPECT_EQ(reader.ledger("tick").records, appended + 50);
}

TEST_F(SubscribeFlowTest, BusyChannelDoesNotStarveAQuietOne) {
  log_limits_.max_bytes = 16 << 20;
  Start();
  FakeSource busy(hub(), "busy");
  FakeSource quiet(hub(), "quiet");
  for (int i = 0; i < 100; ++i) busy.Append(1000, 100);
  quiet.Append(10);
  auto open = OpenFromOldest("*");
  open.set_max_batch_bytes(64 << 10);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.UntilSequence("quiet", kEpoch, 10));
  EXPECT_LT(reader.ledger("busy").last, 10'000u);
  ASSERT_TRUE(reader.UntilSequence("busy", kEpoch, 100'000));
}

}  // namespace
}  // namespace kchan::testing
