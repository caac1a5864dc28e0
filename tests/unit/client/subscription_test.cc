// SPDX-License-Identifier: Apache-2.0
#include "kchan/subscription.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/time/clock.h"
#include "batches.h"
#include "fake_daemon.h"
#include "kchan/error.h"

namespace kchan {
namespace {

using Open = FakeDaemon::Open;
using Stream = FakeDaemon::Stream;

const grpc::Status kUnavailable(grpc::StatusCode::UNAVAILABLE, "going away");

// Holds a stream open until its client ends it.
grpc::Status WaitForClient(Stream& stream) {
  v1::SubscribeRequest request;
  while (stream.Read(&request)) {
  }
  return grpc::Status::OK;
}

class SubscriptionTest : public testing::Test {
 protected:
  SubscriptionTest() : client_(daemon_.NewClient()) {
    options_.backoff = {.initial = absl::Milliseconds(5), .max = absl::Milliseconds(50)};
    Select({{"exec"}});
  }

  void Select(std::vector<std::string> channels) {
    options_.open.clear_selections();
    for (const std::string& channel : channels) {
      *options_.open.add_selections() = kchan::Select(channel, FromOldest());
    }
  }

  void Subscribe(FakeDaemon::SubscribeScript script) {
    daemon_.set_subscribe(std::move(script));
    daemon_.Start();
    subscription_.emplace(*client_, options_);
  }

  absl::StatusOr<Delivery> Next() { return subscription_->Next(absl::Now() + absl::Seconds(20)); }

  // The next delivery of this kind; others go by.
  template <typename Kind>
  absl::StatusOr<Kind> NextOf() {
    for (;;) {
      auto delivery = Next();
      if (!delivery.ok()) return delivery.status();
      if (auto* found = std::get_if<Kind>(&*delivery)) return std::move(*found);
    }
  }

  // The numbers of the records up to `last`, with "lost" for losses.
  std::string ReadThrough(uint64_t last) {
    std::string seen;
    for (uint64_t at = 0; at < last;) {
      const auto batch = NextOf<const BatchView*>();
      if (!batch.ok()) return seen + std::string(batch.status().message());
      (*batch)->ForEach(
          [&](const RecordView& record) { seen += std::to_string(record.sequence) + " "; },
          [&](const LostView& lost) { seen += "lost" + std::to_string(lost.count) + " "; });
      at = (*batch)->last_sequence();
    }
    return seen;
  }

  absl::Status End() {
    for (;;) {
      auto delivery = Next();
      if (!delivery.ok()) return delivery.status();
    }
  }

  FakeDaemon daemon_;
  std::shared_ptr<Client> client_;
  SubscriptionOptions options_;
  std::optional<Subscription> subscription_;
};

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

TEST_F(SubscriptionTest, ResumesBehindTheLastBatch) {
  Subscribe([](int connection, const Open&, Stream& stream) {
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, connection == 0 ? 0 : 3)}));
    if (connection == 0) {
      stream.Write(BatchResponse(FullBatch("exec", 1, 3)));
      return kUnavailable;
    }
    stream.Write(BatchResponse(FullBatch("exec", 4, 6)));
    return WaitForClient(stream);
  });
  EXPECT_EQ(ReadThrough(3), "1 2 3 ");
  const auto disconnected = NextOf<Disconnected>();
  ASSERT_TRUE(disconnected.ok()) << disconnected.status();
  EXPECT_EQ(disconnected->status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReadThrough(6), "4 5 6 ");
  ASSERT_EQ(daemon_.opens().size(), 2u);
  const Open resumed = daemon_.opens()[1];
  ASSERT_EQ(resumed.selections_size(), 1);
  EXPECT_EQ(resumed.selections(0).name(), "exec");
  EXPECT_EQ(resumed.selections(0).start().cursor().epoch(), kEpoch);
  EXPECT_EQ(resumed.selections(0).start().cursor().sequence(), 3u);
}

TEST_F(SubscriptionTest, AGlobResumesEachChannelItFoundAndTakesNewOnesFromTheirBeginning) {
  Select({"net*", "exec"});
  options_.open.mutable_selections(0)->mutable_start()->mutable_now();
  Subscribe([](int connection, const Open&, Stream& stream) {
    if (connection == 0) {
      stream.Write(HelloResponse({MakeCursor("netdev", kEpoch, 7)}));
      stream.Write(BatchResponse(FullBatch("netdev", 8, 9)));
      return kUnavailable;
    }
    stream.Write(HelloResponse({MakeCursor("netdev", kEpoch, 9)}));
    stream.Write(BatchResponse(FullBatch("netdev", 10, 10)));
    return WaitForClient(stream);
  });
  ReadThrough(10);
  const Open resumed = daemon_.opens().at(1);
  ASSERT_EQ(resumed.selections_size(), 3);
  EXPECT_EQ(resumed.selections(0).glob(), "netdev");
  EXPECT_EQ(resumed.selections(0).start().cursor().sequence(), 9u);
  EXPECT_EQ(resumed.selections(1).glob(), "net*");
  EXPECT_TRUE(resumed.selections(1).start().has_oldest());
  EXPECT_EQ(resumed.selections(2).name(), "exec");
  EXPECT_TRUE(resumed.selections(2).start().has_oldest());
}

TEST_F(SubscriptionTest, ResumesWhenTheDaemonIsRestarted) {
  Subscribe([](int, const Open& open, Stream& stream) {
    const auto& start = open.selections(0).start();
    const uint64_t from = start.has_cursor() ? start.cursor().sequence() : 0;
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, from)}));
    stream.Write(BatchResponse(FullBatch("exec", from + 1, from + 2)));
    return WaitForClient(stream);
  });
  EXPECT_EQ(ReadThrough(2), "1 2 ");
  for (uint64_t last = 4; last <= 8; last += 2) {
    daemon_.Stop();
    const auto disconnected = NextOf<Disconnected>();
    ASSERT_TRUE(disconnected.ok()) << disconnected.status();
    daemon_.Start();
    EXPECT_EQ(ReadThrough(last), std::to_string(last - 1) + " " + std::to_string(last) + " ");
  }
}

// A log of numbers, served honestly but cut at random places.
TEST_F(SubscriptionTest, RecordsArriveExactlyOnceWhateverBreaks) {
  static constexpr uint64_t kLast = 3000;
  Subscribe([](int connection, const Open& open, Stream& stream) {
    std::minstd_rand random(connection + 1);
    const auto& start = open.selections(0).start();
    uint64_t at = start.has_cursor() ? start.cursor().sequence() : 0;
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, at)}));
    while (at < kLast) {
      if (random() % 8 == 0) {
        return random() % 2 == 0
                   ? kUnavailable
                   : DetailedStatus(grpc::StatusCode::RESOURCE_EXHAUSTED, "pinned", "PINNED");
      }
      const uint64_t last = std::min(kLast, at + 1 + random() % 40);
      if (!stream.Write(BatchResponse(FullBatch("exec", at + 1, last)))) return kUnavailable;
      at = last;
    }
    return WaitForClient(stream);
  });
  uint64_t expected = 1;
  while (expected <= kLast) {
    const auto batch = NextOf<const BatchView*>();
    ASSERT_TRUE(batch.ok()) << batch.status();
    for (const RecordView& record : (*batch)->records()) ASSERT_EQ(record.sequence, expected++);
  }
  EXPECT_GT(daemon_.opens().size(), 5u);
}

TEST_F(SubscriptionTest, WhatAChannelThatComesLateRepeatsIsNotDeliveredAgain) {
  Select({"*"});
  Subscribe([](int connection, const Open&, Stream& stream) {
    if (connection == 0) {
      stream.Write(HelloResponse({MakeCursor("exec", kEpoch, 0)}));
      stream.Write(BatchResponse(FullBatch("exec", 1, 3)));
      return kUnavailable;
    }
    stream.Write(HelloResponse({}));  // not known yet
    stream.Write(BatchResponse(FullBatch("exec", 1, 2)));
    return WaitForClient(stream);
  });
  EXPECT_EQ(ReadThrough(3), "1 2 3 ");
  ASSERT_TRUE(NextOf<v1::SubscribeResponse::Hello>().ok());
  EXPECT_EQ(subscription_->Next(absl::Now() + absl::Milliseconds(200)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(SubscriptionTest, WhatAChannelThatComesLateHasNoMoreIsReportedLost) {
  Select({"*"});
  Subscribe([](int connection, const Open&, Stream& stream) {
    stream.Write(HelloResponse({}));
    stream.Write(
        BatchResponse(connection == 0 ? FullBatch("exec", 1, 3) : FullBatch("exec", 8, 9)));
    return connection == 0 ? kUnavailable : WaitForClient(stream);
  });
  EXPECT_EQ(ReadThrough(9), "1 2 3 lost4 8 9 ");
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

TEST_F(SubscriptionTest, AnUnknownChannelIsTheEndAtFirstButNotOfAResume) {
  Subscribe([](int connection, const Open&, Stream& stream) {
    const grpc::Status not_found =
        DetailedStatus(grpc::StatusCode::NOT_FOUND, "no channel 'exec'", "CHANNEL_NOT_FOUND");
    if (connection == 1) return not_found;
    stream.Write(HelloResponse({MakeCursor("exec", kEpoch, connection == 0 ? 0 : 1)}));
    stream.Write(
        BatchResponse(FullBatch("exec", connection == 0 ? 1 : 2, connection == 0 ? 1 : 2)));
    return connection == 0 ? kUnavailable : not_found;
  });
  EXPECT_EQ(ReadThrough(2), "1 2 ");

  subscription_.reset();
  daemon_.set_subscribe([](int, const Open&, Stream&) {
    return DetailedStatus(grpc::StatusCode::NOT_FOUND, "no channel 'exec'", "CHANNEL_NOT_FOUND");
  });
  subscription_.emplace(*client_, options_);
  const absl::Status status = End();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(status), "CHANNEL_NOT_FOUND");
  EXPECT_EQ(ErrorMetadata(status, "channel"), "exec");
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

TEST_F(SubscriptionTest, WithoutReconnectABreakIsTheEnd) {
  options_.reconnect = false;
  Subscribe([](int, const Open&, Stream& stream) {
    stream.Write(HelloResponse({}));
    return kUnavailable;
  });
  EXPECT_EQ(End().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(daemon_.opens().size(), 1u);
}

TEST_F(SubscriptionTest, ADaemonThatAsksForALongerWaitGetsIt) {
  Subscribe([](int, const Open&, Stream&) {
    return DetailedStatus(grpc::StatusCode::RESOURCE_EXHAUSTED, "full", "FULL", "", 700);
  });
  const auto disconnected = NextOf<Disconnected>();
  ASSERT_TRUE(disconnected.ok());
  EXPECT_GE(disconnected->retry_after, absl::Milliseconds(700));
}

TEST_F(SubscriptionTest, BackOffGrowsUntilABatchComes) {
  Subscribe([](int connection, const Open&, Stream& stream) {
    if (connection == 6) stream.Write(BatchResponse(FullBatch("exec", 1, 1)));
    return kUnavailable;
  });
  std::vector<absl::Duration> waits;
  while (waits.size() < 8) {
    const auto disconnected = NextOf<Disconnected>();
    ASSERT_TRUE(disconnected.ok()) << disconnected.status();
    waits.push_back(disconnected->retry_after);
  }
  EXPECT_LE(waits[0], absl::Milliseconds(5));
  EXPECT_GE(waits[5], absl::Milliseconds(25));
  EXPECT_LE(waits[5], absl::Milliseconds(50));
  EXPECT_LE(waits[6], absl::Milliseconds(5));
}

TEST_F(SubscriptionTest, NothingToConnectToIsADisconnect) {
  subscription_.emplace(*client_, options_);
  const auto disconnected = NextOf<Disconnected>();
  ASSERT_TRUE(disconnected.ok());
  EXPECT_EQ(disconnected->status.code(), absl::StatusCode::kUnavailable);
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
