// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "bridge/hub/log.h"
#include "tests/unit/hub/log_testing.h"

namespace kchan::hub {
namespace {

using testing::CountingWaiter;
using testing::Follower;
using testing::LogFixture;

TEST(LogWaitTest, NotifiedOnceByPublish) {
  LogFixture f;
  f.Start();
  Follower reader(f.log, StartNow{});
  CountingWaiter waiter;
  ASSERT_TRUE(f.log.Wait(reader.position(), &waiter));
  f.Append(1);
  EXPECT_EQ(waiter.count, 0);
  f.log.Publish();
  EXPECT_EQ(waiter.count, 1);
  f.AppendPublished(1);
  EXPECT_EQ(waiter.count, 1) << "one-shot";
}

TEST(LogWaitTest, EmptyPublishWakesNobody) {
  LogFixture f;
  f.Start().AppendPublished(1);
  Follower reader(f.log, StartNow{});
  CountingWaiter waiter;
  ASSERT_TRUE(f.log.Wait(reader.position(), &waiter));
  for (int i = 0; i < 3; ++i) f.log.Publish();
  EXPECT_EQ(waiter.count, 0);
}

TEST(LogWaitTest, DoesNotArmIfThereIsSomethingAlready) {
  LogFixture f;
  f.Start().AppendPublished(1);
  Follower reader(f.log, StartOldest{});
  CountingWaiter waiter;
  EXPECT_FALSE(f.log.Wait(reader.position(), &waiter));
  f.AppendPublished(1);
  EXPECT_EQ(waiter.count, 0);
}

TEST(LogWaitTest, LossIsSomethingToRead) {
  LogFixture f;
  f.Start().AppendPublished(1);
  Follower reader(f.log, StartNow{});
  CountingWaiter waiter;
  ASSERT_TRUE(f.log.Wait(reader.position(), &waiter));
  f.log.AppendLoss({.count = 1, .stage = LossStage::kKernelRing});
  f.log.Publish();
  EXPECT_EQ(waiter.count, 1);
}

TEST(LogWaitTest, EvictionLossIsSomethingToRead) {
  LogFixture f({.max_bytes = 64 << 10, .segment_bytes = 16 << 10});
  f.Start().AppendPublished(5, 500);
  Follower reader(f.log, StartOldest{});
  f.AppendPublished(1000, 500);
  f.log.StartEpoch(2, 2, 1);
  CountingWaiter waiter;
  EXPECT_FALSE(f.log.Wait(reader.position(), &waiter));
}

TEST(LogWaitTest, ReadAndWaitAgree) {
  LogFixture f;
  CountingWaiter waiter;
  Follower reader(f.log, StartNow{});
  // An epoch without records is nothing to read, or a reader would spin.
  for (uint64_t epoch = 1; epoch <= 3; ++epoch) {
    f.log.StartEpoch(epoch, 1, 1);
    EXPECT_TRUE(f.log.Wait(reader.position(), &waiter));
    EXPECT_TRUE(reader.Read().empty());
    EXPECT_TRUE(f.log.Wait(reader.position(), &waiter));
  }
}

TEST(LogWaitTest, NotNotifiedAfterDisarm) {
  LogFixture f;
  f.Start();
  Follower reader(f.log, StartNow{});
  CountingWaiter gone;
  CountingWaiter stays;
  ASSERT_TRUE(f.log.Wait(reader.position(), &gone));
  ASSERT_TRUE(f.log.Wait(reader.position(), &stays));
  f.log.Disarm(&gone);
  f.log.Disarm(&gone);  // twice is no harm
  f.AppendPublished(1);
  EXPECT_EQ(gone.count, 0);
  EXPECT_EQ(stays.count, 1);
}

TEST(LogWaitTest, ArmedTwiceIsNotifiedOnce) {
  LogFixture f;
  f.Start();
  Follower reader(f.log, StartNow{});
  CountingWaiter waiter;
  ASSERT_TRUE(f.log.Wait(reader.position(), &waiter));
  ASSERT_TRUE(f.log.Wait(reader.position(), &waiter));
  f.AppendPublished(1);
  EXPECT_EQ(waiter.count, 1);
}

}  // namespace
}  // namespace kchan::hub
