// SPDX-License-Identifier: Apache-2.0
// Filters, over a real connection.
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using Response = v1::SubscribeResponse;

// Records are numbered 1, 2, .. by their boottime too, and all are on CPU 1.
class FilterTest : public ServerTest {
 protected:
  static v1::SubscribeRequest::Open Filtered(const std::string& channel,
                                             const std::string& filter) {
    auto open = OpenFromOldest(channel);
    open.set_filter(filter);
    open.mutable_heartbeat_interval()->set_nanos(100'000'000);
    return open;
  }

  // Reads until `channel` is covered up to `sequence`; how many were filtered.
  // Each batch's sum is the reader's business.
  static uint64_t FilteredUntil(Reader& reader, const std::string& channel, uint64_t sequence) {
    uint64_t filtered = 0;
    EXPECT_TRUE(reader.Until([&](const Response& response) {
      if (response.batch().channel() != channel) return false;
      filtered += response.batch().filtered();
      return response.batch().last_sequence() >= sequence;
    }));
    return filtered;
  }
};

TEST_F(FilterTest, WhatMatchesIsSentAndTheRestIsCounted) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(100);
  tick.AppendLoss(5, hub::LossStage::kKernelRing);
  tick.Append(100);
  Reader reader(stub(), Filtered("tick", "record.sequence <= 10 OR record.sequence > 200"));
  const uint64_t filtered = FilteredUntil(reader, "tick", 205);
  const Ledger& ledger = reader.ledger("tick");
  EXPECT_EQ(ledger.records, 15u);
  EXPECT_EQ(ledger.lost, 5u);
  EXPECT_EQ(filtered, 185u);
  EXPECT_EQ(ledger.first, 1u);
}

TEST_F(FilterTest, FieldThatAChannelLacksMatchesNothingThere) {
  Start();
  FakeSource tick(hub(), "tick");
  FakeSource tock(hub(), "tock");
  hub::Schema other = *FakeSchema();
  for (hub::RecordType& type : other.types) type.fields[0].name = "other";
  other.id = hub::SchemaId(other);
  tock.channel().SetSchema(std::make_shared<const hub::Schema>(other));
  tock.log().StartEpoch(kEpoch, other.id, 1);
  tick.Append(10);
  tock.Append(10);
  Reader reader(stub(), Filtered("t*", "number:*"));
  uint64_t filtered = 0;
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    if (response.batch().channel() == "tock") filtered += response.batch().filtered();
    return reader.ledger("tick").last == 10 && filtered == 10;
  }));
  EXPECT_EQ(reader.ledger("tick").records, 10u);
  EXPECT_EQ(reader.ledger("tock").records, 0u);
}

TEST_F(FilterTest, StretchThatMatchesNothingIsToldOfNotMoreOftenThanHeartbeats) {
  Start();
  FakeSource tick(hub(), "tick");
  auto open = OpenOf("tick");
  open.set_filter("record.cpu = 7");
  open.mutable_heartbeat_interval()->set_nanos(200'000'000);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.Until([](const Response& r) { return r.has_history_end(); }));
  const auto start = std::chrono::steady_clock::now();
  std::thread writer([&] {
    for (int i = 0; i < 2000; ++i) tick.Append(1);
  });
  uint64_t batches = 0;
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    if (response.has_batch()) ++batches;
    return response.batch().last_sequence() == 2000;
  }));
  writer.join();
  const auto elapsed = std::chrono::steady_clock::now() - start;
  EXPECT_LE(batches, 2u + static_cast<uint64_t>(elapsed / std::chrono::milliseconds(200)));
  EXPECT_EQ(reader.ledger("tick").records, 0u);
  // The heartbeat's cursor is where the batches end.
  ASSERT_TRUE(reader.Until([](const Response& r) { return r.has_heartbeat(); }));
}

TEST_F(FilterTest, FilterThatMatchesNothingKeepsNobodyElseWaiting) {
  log_limits_ = {.max_bytes = 16 << 20, .segment_bytes = 256 << 10};
  Start();
  FakeSource busy(hub(), "busy");
  FakeSource quiet(hub(), "quiet");
  busy.Append(150'000);
  Reader nothing(stub(), Filtered("busy", "record.cpu = 7"));
  Reader other(stub(), OpenFromOldest("quiet"));
  quiet.Append(3);
  EXPECT_TRUE(other.UntilSequence("quiet", kEpoch, 3));
  const uint64_t filtered = FilteredUntil(nothing, "busy", 150'000);
  EXPECT_EQ(filtered + nothing.ledger("busy").lost, 150'000u);
}

TEST_F(FilterTest, CursorBehindFilteredNumbersResumesThere) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(50);
  {
    Reader reader(stub(), Filtered("tick", "record.sequence = 10"));
    EXPECT_EQ(FilteredUntil(reader, "tick", 50), 49u);
  }
  tick.Append(10);
  auto open = Filtered("tick", "record.sequence = 55");
  v1::Cursor& cursor = *open.mutable_selections(0)->mutable_start()->mutable_cursor();
  cursor.set_epoch(kEpoch);
  cursor.set_sequence(50);
  Reader reader(stub(), open);
  EXPECT_EQ(FilteredUntil(reader, "tick", 60), 9u);
  EXPECT_EQ(reader.ledger("tick").first, 51u);
  EXPECT_EQ(reader.ledger("tick").records, 1u);
}

TEST_F(FilterTest, WindowIsOfWhatIsSentAndFilteredNumbersCanBeAcknowledged) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(2000);
  auto open = Filtered("tick", "record.sequence > 1000");
  open.set_window_bytes(8 << 10);
  open.set_max_batch_bytes(4 << 10);
  Reader reader(stub(), open);
  while (reader.ledger("tick").last < 2000) {
    const auto response = reader.Next();
    ASSERT_TRUE(response);
    if (!response->has_batch()) continue;
    reader.Acknowledge("tick", kEpoch, response->batch().last_sequence());
  }
  EXPECT_EQ(reader.ledger("tick").records, 1000u);
}

TEST_F(FilterTest, WrongFilterIsAViolationThatNamesTheColumn) {
  Start();
  FakeSource tick(hub(), "tick");
  const auto refusal = [&](const std::string& filter) {
    Reader reader(stub(), Filtered("tick", filter));
    const grpc::Status status = reader.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(FieldOf(DetailsOf(status)), "open.filter");
    return status.error_message();
  };
  EXPECT_EQ(refusal("number ="),
            "open.filter: column 9: expected a value behind `=`, found the end");
  EXPECT_EQ(refusal("nubmer = 1"),
            "open.filter: column 1: no selected channel has a field `nubmer`; there are: number");
  EXPECT_EQ(refusal("number = -1"),
            "open.filter: column 10: `number` takes 0 to 18446744073709551615, not -1");
  EXPECT_TRUE(HasNoSubscriptions());
}

}  // namespace
}  // namespace kchan::testing
