// SPDX-License-Identifier: Apache-2.0
// Streams that break.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "kchan/error.h"
#include "subscription_testing.h"

namespace kchan {
namespace {

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

}  // namespace
}  // namespace kchan
