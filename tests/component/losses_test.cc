// SPDX-License-Identifier: Apache-2.0
// A loss at each stage in turn, and at all of them at once: each number that a
// subscriber covers is a record, withheld or lost at the stage where it was, and
// the node's counters say the same.
#include <string>

#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

class LossesTest : public ServerTest {
 protected:
  LossesTest() {
    // Small, so that a reader who stands still falls behind soon.
    log_limits_ = {.max_bytes = 256 << 10, .segment_bytes = 32 << 10};
  }

  static v1::SubscribeRequest::Open FromTheFirst() {
    auto open = OpenOf("tick");
    v1::Cursor& cursor = *open.mutable_selections(0)->mutable_start()->mutable_cursor();
    cursor.set_channel("tick");
    cursor.set_epoch(kEpoch);
    return open;
  }

  // The counters of the one channel, once nobody reads it any more.
  v1::ChannelCounters Counters() {
    EXPECT_TRUE(HasNoSubscriptions());
    return Status().channels(0);
  }

  // `open` reads all numbers up to `last`: it covers each of them, and counts
  // what the node counts.
  void ReadAndCompare(const v1::SubscribeRequest::Open& open, uint64_t last) {
    const v1::ChannelCounters before = Status().channels(0);
    Reader reader(stub(), open);
    ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, last));
    ledger_ = reader.ledger("tick");
    reader.Cancel();
    const v1::ChannelCounters now = Counters();

    EXPECT_EQ(ledger_.first, 1u);
    EXPECT_EQ(ledger_.last, last);
    EXPECT_EQ(ledger_.records + ledger_.lost + ledger_.filtered, last);
    const uint64_t in_place = LostAt(v1::LOSS_STAGE_KERNEL_RING) +
                              LostAt(v1::LOSS_STAGE_KERNEL_TRANSPORT) +
                              LostAt(v1::LOSS_STAGE_SOURCE);
    EXPECT_EQ(now.delivered() - before.delivered(), ledger_.records + in_place);
    EXPECT_EQ(now.filtered() + now.sampled() - before.filtered() - before.sampled(),
              ledger_.filtered);
    EXPECT_EQ(now.sampled() - before.sampled(), ledger_.sampled);
    EXPECT_EQ(now.lost_log_eviction() - before.lost_log_eviction(),
              LostAt(v1::LOSS_STAGE_LOG_EVICTION));
    EXPECT_EQ(now.lost_subscriber_policy() - before.lost_subscriber_policy(),
              LostAt(v1::LOSS_STAGE_SUBSCRIBER_POLICY));
    EXPECT_EQ(now.lost_rate_limit() - before.lost_rate_limit(), LostAt(v1::LOSS_STAGE_RATE_LIMIT));
    EXPECT_EQ(now.lost_daemon_restart() - before.lost_daemon_restart(),
              LostAt(v1::LOSS_STAGE_DAEMON_RESTART));
  }

  uint64_t LostAt(v1::LossStage stage) const {
    const auto found = ledger_.lost_at.find(stage);
    return found == ledger_.lost_at.end() ? 0 : found->second;
  }

  Ledger ledger_;
};

TEST_F(LossesTest, BeforeTheLogEachStageIsTold) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(10);
  tick.AppendLoss(3, hub::LossStage::kKernelRing);
  tick.Append(10);
  tick.AppendLoss(4, hub::LossStage::kKernelTransport);
  tick.AppendLoss(5, hub::LossStage::kSource);
  ReadAndCompare(FromTheFirst(), 32);
  EXPECT_EQ(ledger_.records, 20u);
  EXPECT_EQ(LostAt(v1::LOSS_STAGE_KERNEL_RING), 3u);
  EXPECT_EQ(LostAt(v1::LOSS_STAGE_KERNEL_TRANSPORT), 4u);
  EXPECT_EQ(LostAt(v1::LOSS_STAGE_SOURCE), 5u);
}

TEST_F(LossesTest, WhatTheLogDropped) {
  Start();
  FakeSource tick(hub(), "tick");
  for (int i = 0; i < 100; ++i) tick.Append(100, 100);
  ReadAndCompare(FromTheFirst(), 10'000);
  EXPECT_GT(LostAt(v1::LOSS_STAGE_LOG_EVICTION), 0u);
}

TEST_F(LossesTest, WhatAReaderThatWantsTheNewestSkips) {
  Start();
  FakeSource tick(hub(), "tick");
  for (int i = 0; i < 100; ++i) tick.Append(100, 100);
  auto open = FromTheFirst();
  open.set_overflow_policy(v1::OVERFLOW_POLICY_SKIP_TO_NEWEST);
  ReadAndCompare(open, 10'000);
  EXPECT_GT(LostAt(v1::LOSS_STAGE_LOG_EVICTION), 0u);
  EXPECT_GT(LostAt(v1::LOSS_STAGE_SUBSCRIBER_POLICY), 0u);
}

TEST_F(LossesTest, WhatARateLimitHeldBack) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(1000);
  auto open = FromTheFirst();
  open.set_max_records_per_second(100);
  ReadAndCompare(open, 1000);
  EXPECT_GT(LostAt(v1::LOSS_STAGE_RATE_LIMIT), 0u);
}

TEST_F(LossesTest, WhatNoDaemonSaw) {
  Start();
  FakeSource tick(hub(), "tick");
  // The daemon before this one had the first nine.
  tick.StartEpoch(kEpoch + 1, 10);
  tick.Append(10);
  Reader reader(stub(), OpenFromOldest("tick"));
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch + 1, 19));
  const Ledger& ledger = reader.ledger("tick", kEpoch + 1);
  EXPECT_EQ(ledger.last - ledger.first + 1, ledger.records + ledger.lost);
  reader.Cancel();
  const v1::ChannelCounters counters = Counters();
  EXPECT_EQ(counters.delivered(), ledger.records);
  EXPECT_EQ(counters.lost_daemon_restart(), ledger.lost);
}

TEST_F(LossesTest, WhatIsWithheldIsNotLost) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(100);
  tick.AppendLoss(20, hub::LossStage::kKernelRing);
  auto open = FromTheFirst();
  open.set_sample_every(10);
  ReadAndCompare(open, 120);
  EXPECT_EQ(ledger_.records, 10u);
  EXPECT_EQ(ledger_.sampled, 90u);
  EXPECT_EQ(ledger_.lost, 20u);
}

TEST_F(LossesTest, AllAtOnce) {
  Start();
  FakeSource tick(hub(), "tick");
  for (int i = 0; i < 120; ++i) {
    tick.Append(100, 100);
    tick.AppendLoss(2, hub::LossStage::kKernelRing);
    tick.AppendLoss(3, hub::LossStage::kKernelTransport);
    tick.AppendLoss(5, hub::LossStage::kSource);
  }
  auto open = FromTheFirst();
  open.set_filter("record.sequence < 13100");
  open.set_sample_every(3);
  open.set_max_records_per_second(50);
  ReadAndCompare(open, 13'200);
  EXPECT_GT(ledger_.records, 0u);
  EXPECT_GT(ledger_.sampled, 0u);
  EXPECT_GT(ledger_.filtered, ledger_.sampled);
  for (const v1::LossStage stage :
       {v1::LOSS_STAGE_KERNEL_RING, v1::LOSS_STAGE_KERNEL_TRANSPORT, v1::LOSS_STAGE_SOURCE,
        v1::LOSS_STAGE_LOG_EVICTION, v1::LOSS_STAGE_RATE_LIMIT}) {
    EXPECT_GT(LostAt(stage), 0u) << v1::LossStage_Name(stage);
  }
}

TEST_F(LossesTest, WhatIsAcknowledgedIsCountedApart) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(100);
  auto open = FromTheFirst();
  open.set_window_bytes(1 << 20);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 100));
  EXPECT_EQ(Status().channels(0).acknowledged_bytes(), 0u);
  const uint64_t sent = Status().channels(0).delivered_bytes();
  EXPECT_GT(sent, 100u * 64);
  reader.Acknowledge("tick", kEpoch, 100);
  EXPECT_TRUE(Eventually([&] { return Status().channels(0).acknowledged_bytes() == sent; }));
}

}  // namespace
}  // namespace kchan::testing
