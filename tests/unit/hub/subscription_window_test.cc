// SPDX-License-Identifier: Apache-2.0
// Acknowledgements, and the window that needs them.
#include "tests/unit/hub/subscription_testing.h"

namespace kchan::hub {
namespace {

using testing::ByName;
using testing::Decode;
using testing::SubscriptionTest;

class WindowTest : public SubscriptionTest {
 protected:
  void OpenWindow(uint64_t window_bytes, size_t max_batch_bytes = 1024) {
    exec_ = AddLive("exec");
    Append(*exec_, 100, 100);
    Open({.selections = {ByName("exec")},
          .window_bytes = window_bytes,
          .max_batch_bytes = max_batch_bytes});
  }
  absl::Status Acknowledge(uint64_t sequence) {
    return subscription_->Acknowledge("exec", {kEpoch, sequence});
  }
  bool IsBlocked() { return NextBatch().batch.empty(); }

  std::shared_ptr<Channel> exec_;
};

TEST_F(WindowTest, NeverMoreThanTheWindowIsOnTheWay) {
  for (const uint64_t window : {300u, 1024u, 1500u, 5000u}) {
    hub_.Remove("exec");
    OpenWindow(window);
    uint64_t last = 0;
    uint64_t records = 0;
    while (records < 100) {
      const LogBatch batch = NextBatch().batch;
      if (batch.empty()) {
        ASSERT_GT(subscription_->unacknowledged_bytes(), 0u);
        ASSERT_TRUE(Acknowledge(last).ok());
        ASSERT_EQ(subscription_->unacknowledged_bytes(), 0u);
        continue;
      }
      EXPECT_LE(subscription_->unacknowledged_bytes(), window);
      records += Decode(batch).size();
      last = batch.last_sequence;
    }
    EXPECT_EQ(last, 100u);
  }
}

TEST_F(WindowTest, OneBatchIsAlwaysAllowed) {
  OpenWindow(/*window_bytes=*/10);
  EXPECT_EQ(NextBatch().batch.last_sequence, 1u);
  EXPECT_TRUE(IsBlocked());
  EXPECT_TRUE(Acknowledge(1).ok());
  EXPECT_EQ(NextBatch().batch.last_sequence, 2u);
}

TEST_F(WindowTest, LongRecordWaitsUntilItFits) {
  OpenWindow(/*window_bytes=*/4000, /*max_batch_bytes=*/1024);
  while (!IsBlocked()) {
  }
  ASSERT_TRUE(Acknowledge(subscription_->cursors().at(0).cursor.sequence).ok());
  while (subscription_->cursors().at(0).cursor.sequence < 100) {
    if (IsBlocked()) {
      ASSERT_TRUE(Acknowledge(subscription_->cursors().at(0).cursor.sequence).ok());
    }
  }
  ASSERT_TRUE(Acknowledge(100).ok());
  Append(*exec_, 1, 100);
  Append(*exec_, 1, 3950);
  EXPECT_EQ(NextBatch().batch.last_sequence, 101u);
  EXPECT_TRUE(IsBlocked()) << "together they are longer than the window";
  EXPECT_EQ(hub_.memory().pinned_bytes.load(), 0u);
  ASSERT_TRUE(Acknowledge(101).ok());
  EXPECT_EQ(NextBatch().batch.last_sequence, 102u);
}

TEST_F(WindowTest, BlockedIsNotWokenByRecords) {
  OpenWindow(/*window_bytes=*/1024);
  while (!IsBlocked()) {
  }
  const int before = waiter_.count;
  Append(*exec_, 10, 100);
  EXPECT_EQ(waiter_.count, before);
}

TEST_F(WindowTest, PartOfABatchFreesNothing) {
  OpenWindow(/*window_bytes=*/4096);
  const LogBatch first = NextBatch().batch;
  ASSERT_GT(first.last_sequence, 1u);
  EXPECT_TRUE(Acknowledge(first.last_sequence - 1).ok());
  EXPECT_EQ(subscription_->unacknowledged_bytes(), first.body_bytes);
  EXPECT_TRUE(Acknowledge(first.last_sequence).ok());
  EXPECT_EQ(subscription_->unacknowledged_bytes(), 0u);
}

TEST_F(WindowTest, OldAcknowledgementChangesNothing) {
  OpenWindow(/*window_bytes=*/4096);
  const LogBatch first = NextBatch().batch;
  const LogBatch second = NextBatch().batch;
  ASSERT_FALSE(second.empty());
  EXPECT_TRUE(Acknowledge(second.last_sequence).ok());
  EXPECT_TRUE(Acknowledge(first.last_sequence).ok());
  EXPECT_TRUE(Acknowledge(0).ok()) << "where it started";
  EXPECT_EQ(subscription_->unacknowledged_bytes(), 0u);
}

TEST_F(WindowTest, AcknowledgingWhatWasNotSentIsInvalid) {
  OpenWindow(/*window_bytes=*/4096);
  const LogBatch first = NextBatch().batch;
  const auto code = [&](std::string_view channel, const Cursor& cursor) {
    return subscription_->Acknowledge(channel, cursor).code();
  };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(code("exec", {kEpoch, first.last_sequence + 1}), kInvalid);
  EXPECT_EQ(code("exec", {kEpoch + 1, 1}), kInvalid);
  EXPECT_EQ(code("exec", {0, 0}), kInvalid);
  EXPECT_EQ(code("net", {kEpoch, 1}), kInvalid);
  EXPECT_EQ(code("exec", {kEpoch, first.last_sequence}), absl::StatusCode::kOk);
}

TEST_F(WindowTest, NewEpochAcknowledgesTheOldOne) {
  OpenWindow(/*window_bytes=*/1 << 20, /*max_batch_bytes=*/1 << 20);
  exec_->log().StartEpoch(7, kSchema, 1);
  Append(*exec_, 10, 100);
  const LogBatch old_epoch = NextBatch().batch;
  const LogBatch new_epoch = NextBatch().batch;
  ASSERT_EQ(new_epoch.epoch, 7u);
  EXPECT_EQ(subscription_->unacknowledged_bytes(), old_epoch.body_bytes + new_epoch.body_bytes);
  EXPECT_TRUE(subscription_->Acknowledge("exec", {7, 5}).ok());
  EXPECT_EQ(subscription_->unacknowledged_bytes(), new_epoch.body_bytes);
  // An old epoch's number, however large, says nothing about the new one.
  EXPECT_TRUE(Acknowledge(100).ok());
  EXPECT_EQ(subscription_->unacknowledged_bytes(), new_epoch.body_bytes);
}

TEST_F(WindowTest, WithoutAWindowNothingIsKept) {
  OpenWindow(/*window_bytes=*/0);
  while (!NextBatch().batch.empty()) {
  }
  EXPECT_EQ(subscription_->unacknowledged_bytes(), 0u);
  EXPECT_TRUE(Acknowledge(100).ok());
  EXPECT_FALSE(Acknowledge(101).ok());
  EXPECT_EQ(subscription_->unacknowledged_bytes(), 0u);
}

TEST_F(WindowTest, FullWindowDoesNotHoldBackNews) {
  exec_ = AddLive("exec");
  Append(*exec_, 1);
  Open({.selections = {ByName("exec")}, .window_bytes = 1});
  EXPECT_EQ(Script(), (std::vector<std::string>{"update exec live epoch 225", "records exec 1-1",
                                                "history exec 1"}));
  EXPECT_GT(subscription_->unacknowledged_bytes(), 0u);
}

TEST_F(WindowTest, RemovedChannelLeavesTheWindow) {
  OpenWindow(/*window_bytes=*/1 << 20);
  auto net = AddLive("net");
  Open({.selections = {ByName("exec"), ByName("net")},
        .window_bytes = 1 << 20,
        .max_batch_bytes = 1 << 20});
  NextBatch();
  EXPECT_GT(subscription_->unacknowledged_bytes(), 0u);
  hub_.Remove("exec");
  Script();
  EXPECT_EQ(subscription_->unacknowledged_bytes(), 0u);
}

}  // namespace
}  // namespace kchan::hub
