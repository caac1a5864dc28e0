// SPDX-License-Identifier: Apache-2.0
// Streams that end because that was asked for.
#include <gtest/gtest.h>

#include <string>

#include "subscription_testing.h"

namespace kchan {
namespace {

// Until the end; the records' numbers.
std::string ReadAll(Subscription& subscription) {
  std::string seen;
  for (;;) {
    const auto delivery = subscription.Next(absl::Now() + absl::Seconds(20));
    if (!delivery.ok()) return seen + std::string(delivery.status().message());
    if (std::holds_alternative<Ended>(*delivery)) return seen + "end";
    const auto* batch = std::get_if<const BatchView*>(&*delivery);
    if (batch == nullptr) continue;
    for (const RecordView& record : (*batch)->records()) {
      seen += std::to_string(record.sequence) + " ";
    }
  }
}

TEST_F(SubscriptionTest, OkIsTheEndThatWasAskedFor) {
  options_.open.mutable_stop()->set_end_of_history(true);
  Subscribe([](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, 0)}));
    stream.Write(BatchResponse(FullBatch("exec", 1, 2)));
    return grpc::Status::OK;
  });
  EXPECT_EQ(ReadAll(*subscription_), "1 2 end");
  EXPECT_EQ(ReadAll(*subscription_), "end") << "it stays so";
  EXPECT_EQ(daemon_.opens().size(), 1u);
  ASSERT_EQ(subscription_->cursors().size(), 1u);
  EXPECT_EQ(subscription_->cursors()[0].sequence(), 2u);
}

TEST_F(SubscriptionTest, OkThatWasNotAskedForIsABrokenStream) {
  Subscribe([](int connection, const Open&, Stream& stream) {
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, connection == 0 ? 0 : 2)}));
    if (connection != 0) return WaitForClient(stream);
    stream.Write(BatchResponse(FullBatch("exec", 1, 2)));
    return grpc::Status::OK;
  });
  EXPECT_TRUE(NextOf<Disconnected>().ok());
}

TEST_F(SubscriptionTest, RecordsAreCountedAcrossConnections) {
  options_.open.mutable_stop()->set_records(5);
  Subscribe([](int connection, const Open&, Stream& stream) {
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, connection == 0 ? 0 : 3)}));
    if (connection == 0) {
      stream.Write(BatchResponse(FullBatch("exec", 1, 3)));
      return kUnavailable;
    }
    // What was delivered already does not count once more.
    stream.Write(BatchResponse(FullBatch("exec", 2, 5)));
    return grpc::Status::OK;
  });
  EXPECT_EQ(ReadAll(*subscription_), "1 2 3 4 5 end");
  ASSERT_EQ(daemon_.opens().size(), 2u);
  EXPECT_EQ(daemon_.opens()[1].stop().records(), 2u);
}

TEST_F(SubscriptionTest, BreakingBehindTheLastRecordIsNoFault) {
  options_.open.mutable_stop()->set_records(3);
  Subscribe([](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, 0)}));
    stream.Write(BatchResponse(FullBatch("exec", 1, 3)));
    return kUnavailable;
  });
  EXPECT_EQ(ReadAll(*subscription_), "1 2 3 end");
  EXPECT_EQ(daemon_.opens().size(), 1u);
}

TEST_F(SubscriptionTest, ResumingKeepsTheTimeOfItsSelection) {
  const absl::Time time = absl::FromUnixMillis(1'700'000'000'123);
  options_.open.clear_selections();
  *options_.open.add_selections() = kchan::Select("net*", FromTime(time));
  *options_.open.add_selections() = kchan::Select("exec", FromOldest());
  Subscribe([](int connection, const Open&, Stream& stream) {
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, 0), MakeCursor("netdev", kEpoch, 4)}));
    if (connection == 0) return kUnavailable;
    return WaitForClient(stream);
  });
  ASSERT_TRUE(NextOf<Disconnected>().ok());
  ASSERT_TRUE(NextOf<v1::SubscribeResponse::Hello>().ok());
  const Open resumed = daemon_.opens().at(1);
  for (const v1::Selection& selection : resumed.selections()) {
    const bool is_net = selection.glob().starts_with("net");
    EXPECT_EQ(selection.start().has_since(), is_net) << selection.ShortDebugString();
    if (!is_net) continue;
    EXPECT_EQ(selection.start().since().seconds(), 1'700'000'000);
    EXPECT_EQ(selection.start().since().nanos(), 123'000'000);
  }
}

}  // namespace
}  // namespace kchan
