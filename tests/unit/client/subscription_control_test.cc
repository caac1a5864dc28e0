// SPDX-License-Identifier: Apache-2.0
// What the reader says: acknowledgements, pauses, the end.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

#include "subscription_testing.h"

namespace kchan {
namespace {

TEST_F(SubscriptionTest, AcknowledgesABatchWhenTheNextIsAskedFor) {
  options_.open.set_window_bytes(1);
  std::promise<v1::SubscribeRequest> acknowledged;
  Subscribe([&](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({}));
    stream.Write(BatchResponse(FullBatch("exec", 1, 3)));
    v1::SubscribeRequest request;
    stream.Read(&request);
    acknowledged.set_value(request);
    return WaitForClient(stream);
  });
  EXPECT_EQ(ReadThrough(3), "1 2 3 ");
  auto future = acknowledged.get_future();
  EXPECT_EQ(future.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  while (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    EXPECT_EQ(subscription_->Next(absl::Now() + absl::Milliseconds(20)).status().code(),
              absl::StatusCode::kDeadlineExceeded);
  }
  const v1::SubscribeRequest request = future.get();
  ASSERT_EQ(request.acknowledge().cursors_size(), 1);
  EXPECT_EQ(request.acknowledge().cursors(0).sequence(), 3u);
}

TEST_F(SubscriptionTest, AnotherThreadMayAcknowledgeWhileNextWaits) {
  options_.open.set_window_bytes(1);
  options_.acknowledge_automatically = false;
  Subscribe([&](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({}));
    stream.Write(BatchResponse(FullBatch("exec", 1, 3)));
    v1::SubscribeRequest request;
    stream.Read(&request);
    EXPECT_EQ(request.acknowledge().cursors(0).sequence(), 2u);
    stream.Write(BatchResponse(FullBatch("exec", 4, 5)));
    return WaitForClient(stream);
  });
  EXPECT_EQ(ReadThrough(3), "1 2 3 ");
  std::thread other([&] { subscription_->Acknowledge(MakeCursor("exec", kEpoch, 2)); });
  EXPECT_EQ(ReadThrough(5), "4 5 ");
  other.join();
}

TEST_F(SubscriptionTest, AcknowledgementsOfABrokenStreamAreDropped) {
  options_.open.set_window_bytes(1);
  options_.acknowledge_automatically = false;
  Subscribe([&](int connection, const Open&, Stream& stream) {
    stream.Write(HelloResponse({}));
    if (connection == 0) {
      stream.Write(BatchResponse(FullBatch("exec", 1, 3)));
      return kUnavailable;
    }
    stream.Write(BatchResponse(FullBatch("exec", 4, 5)));
    v1::SubscribeRequest request;
    stream.Read(&request);
    EXPECT_EQ(request.acknowledge().cursors(0).sequence(), 5u);
    stream.Write(BatchResponse(FullBatch("exec", 6, 6)));
    return WaitForClient(stream);
  });
  EXPECT_EQ(ReadThrough(5), "1 2 3 4 5 ");
  subscription_->Acknowledge(MakeCursor("exec", kEpoch, 3));  // of the first stream
  EXPECT_EQ(subscription_->Next(absl::Now() + absl::Milliseconds(50)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  subscription_->Acknowledge(MakeCursor("exec", kEpoch, 5));
  EXPECT_EQ(ReadThrough(6), "6 ");
}

TEST_F(SubscriptionTest, PausesAndResumes) {
  Subscribe([](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({}));
    v1::SubscribeRequest request;
    stream.Read(&request);
    EXPECT_TRUE(request.has_pause());
    stream.Write(HeartbeatResponse({}));
    stream.Read(&request);
    EXPECT_TRUE(request.has_resume());
    stream.Write(BatchResponse(FullBatch("exec", 1, 1)));
    return WaitForClient(stream);
  });
  ASSERT_TRUE(NextOf<v1::SubscribeResponse::Hello>().ok());
  subscription_->Pause();
  ASSERT_TRUE(NextOf<v1::SubscribeResponse::Heartbeat>().ok());
  subscription_->Resume();
  EXPECT_EQ(ReadThrough(1), "1 ");
}

TEST_F(SubscriptionTest, CancelEndsANextThatWaits) {
  Subscribe([&](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({}));
    return WaitForClient(stream);
  });
  ASSERT_TRUE(NextOf<v1::SubscribeResponse::Hello>().ok());
  std::thread other([&] { subscription_->Cancel(); });
  EXPECT_EQ(subscription_->Next().status().code(), absl::StatusCode::kCancelled);
  other.join();
  EXPECT_EQ(subscription_->Next().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(SubscriptionTest, CancelEndsABackOff) {
  options_.backoff = {.initial = absl::Hours(1), .max = absl::Hours(1)};
  Subscribe([](int, const Open&, Stream&) { return kUnavailable; });
  ASSERT_TRUE(NextOf<Disconnected>().ok());
  std::thread other([&] { subscription_->Cancel(); });
  EXPECT_EQ(subscription_->Next().status().code(), absl::StatusCode::kCancelled);
  other.join();
}

TEST_F(SubscriptionTest, MayBeDestroyedAtAnyMoment) {
  Subscribe([](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({}));
    for (uint64_t at = 1; stream.Write(BatchResponse(FullBatch("exec", at, at + 9))); at += 10) {
    }
    return grpc::Status::OK;
  });
  for (int deliveries = 0; deliveries < 20; ++deliveries) {
    subscription_.emplace(*client_, options_);
    for (int i = 0; i < deliveries; ++i) ASSERT_TRUE(Next().ok());
  }
}

}  // namespace
}  // namespace kchan
