// SPDX-License-Identifier: Apache-2.0
#include "kchan/subscription.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "kchan/error.h"
#include "subscription_testing.h"

namespace kchan {
namespace {

TEST_F(SubscriptionTest, DeliversEverythingInOrder) {
  Subscribe([](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, 0)}));
    v1::SubscribeResponse update;
    update.mutable_channel_update()->set_channel("exec");
    stream.Write(update);
    stream.Write(BatchResponse(FullBatch("exec", 1, 3)));
    v1::SubscribeResponse end;
    *end.mutable_history_end()->mutable_cursor() = MakeCursor("exec", kEpoch, 3);
    stream.Write(end);
    stream.Write(HeartbeatResponse({MakeCursor("exec", kEpoch, 3)}));
    return WaitForClient(stream);
  });
  const auto hello = Next();
  ASSERT_TRUE(hello.ok()) << hello.status();
  EXPECT_EQ(std::get<v1::SubscribeResponse::Hello>(*hello).node().name(), "fake");
  EXPECT_EQ(subscription_->clock().offset_ns(), 5'000'000'000);
  EXPECT_TRUE(std::holds_alternative<v1::SubscribeResponse::ChannelUpdate>(*Next()));
  EXPECT_EQ(std::get<const BatchView*>(*Next())->records().size(), 3u);
  EXPECT_TRUE(std::holds_alternative<v1::SubscribeResponse::HistoryEnd>(*Next()));
  EXPECT_TRUE(std::holds_alternative<v1::SubscribeResponse::Heartbeat>(*Next()));
  EXPECT_EQ(subscription_->clock().offset_ns(), 6'000'000'000);
  ASSERT_EQ(subscription_->cursors().size(), 1u);
  EXPECT_EQ(subscription_->cursors()[0].sequence(), 3u);
}

TEST_F(SubscriptionTest, ABatchOfOneMebibyteArrivesWhole) {
  v1::Batch large = MakeBatch("exec", 1, 1000);
  for (uint64_t sequence = 1; sequence <= 1000; ++sequence) {
    AddRecord(&large, sequence, std::string(1000, static_cast<char>(sequence)));
  }
  Subscribe([&](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({}));
    stream.Write(BatchResponse(large));
    return WaitForClient(stream);
  });
  const auto batch = NextOf<const BatchView*>();
  ASSERT_TRUE(batch.ok()) << batch.status();
  ASSERT_EQ((*batch)->records().size(), 1000u);
  for (const RecordView& record : (*batch)->records()) {
    ASSERT_EQ(record.payload, std::string(1000, static_cast<char>(record.sequence)));
  }
}

TEST_F(SubscriptionTest, ANewEpochStartsItsOwnNumbers) {
  Subscribe([](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, 0)}));
    stream.Write(BatchResponse(FullBatch("exec", 1, 3)));
    stream.Write(BatchResponse(FullBatch("exec", 1, 2, kEpoch + 1)));
    return WaitForClient(stream);
  });
  EXPECT_EQ(ReadThrough(3), "1 2 3 ");
  EXPECT_EQ(ReadThrough(2), "1 2 ");
  EXPECT_EQ(subscription_->cursors()[0].epoch(), kEpoch + 1);
}

TEST_F(SubscriptionTest, ALossOfUnknownCountLetsTheNumbersStartAnywhere) {
  Subscribe([](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({}));
    v1::Batch unknown = MakeBatch("exec", 0, 0);
    AddLost(&unknown, 0, 0);
    stream.Write(BatchResponse(unknown));
    stream.Write(BatchResponse(FullBatch("exec", 500, 501)));
    return WaitForClient(stream);
  });
  EXPECT_EQ(ReadThrough(501), "lost0 500 501 ");
}

TEST_F(SubscriptionTest, AGapWithoutALossIsDataLoss) {
  Subscribe([](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, 0)}));
    stream.Write(BatchResponse(FullBatch("exec", 1, 3)));
    stream.Write(BatchResponse(FullBatch("exec", 5, 6)));
    return WaitForClient(stream);
  });
  const absl::Status status = End();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_EQ(subscription_->cursors()[0].sequence(), 3u);
  EXPECT_EQ(subscription_->Next().status(), status);
}

TEST_F(SubscriptionTest, ARepeatedBatchIsDataLoss) {
  Subscribe([](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, 0)}));
    stream.Write(BatchResponse(FullBatch("exec", 1, 3)));
    stream.Write(BatchResponse(FullBatch("exec", 1, 3)));
    return WaitForClient(stream);
  });
  EXPECT_EQ(End().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SubscriptionTest, AHeartbeatBeyondTheRecordsIsDataLoss) {
  Subscribe([](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, 0)}));
    stream.Write(BatchResponse(FullBatch("exec", 1, 3)));
    stream.Write(HeartbeatResponse({MakeCursor("exec", kEpoch, 4)}));
    return WaitForClient(stream);
  });
  EXPECT_EQ(End().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SubscriptionTest, AWrongRequestIsTheEndAndNamesTheField) {
  Subscribe([](int, const Open&, Stream&) {
    return DetailedStatus(grpc::StatusCode::INVALID_ARGUMENT, "wrong", "INVALID_REQUEST",
                          "open.max_batch_bytes");
  });
  const absl::Status status = End();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(FieldViolations(status).size(), 1u);
  EXPECT_EQ(FieldViolations(status)[0].field, "open.max_batch_bytes");
  EXPECT_NE(std::string(status.message()).find("open.max_batch_bytes: is wrong"), std::string::npos)
      << status;
}

TEST_F(SubscriptionTest, AResponseOfAKindToComeIsIgnored) {
  Subscribe([](int, const Open&, Stream& stream) {
    v1::SubscribeResponse unknown;
    unknown.GetReflection()->MutableUnknownFields(&unknown)->AddLengthDelimited(99, "new");
    stream.Write(HelloResponse({}));
    stream.Write(unknown);
    stream.Write(BatchResponse(FullBatch("exec", 1, 1)));
    return WaitForClient(stream);
  });
  EXPECT_TRUE(std::holds_alternative<v1::SubscribeResponse::Hello>(*Next()));
  EXPECT_TRUE(std::holds_alternative<const BatchView*>(*Next()));
}

}  // namespace
}  // namespace kchan
