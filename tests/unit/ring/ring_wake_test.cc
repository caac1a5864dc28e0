// SPDX-License-Identifier: Apache-2.0
// The event index: who is woken, when, and never once too often.
#include "tests/unit/ring/ring_fixture.h"

namespace kchan::testing {
namespace {

class RingWakeTest : public RingTest {
 protected:
  uint64_t Wakeups() { return ring_->Counters().wakeups; }
  uint32_t Mask() { return kchan_ring_poll_mask(ring_->core()); }
};

TEST_F(RingWakeTest, OnlyTheRecordThatReachesWakePosWakes) {
  auto reader = Attach();
  ASSERT_FALSE(reader->Arm());
  EXPECT_EQ(Mask(), 0u);
  ASSERT_EQ(Emit("a"), 0);
  EXPECT_EQ(Wakeups(), 1u);
  EXPECT_EQ(Mask(), KCHAN_RING_READABLE);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Emit("b"), 0);
  EXPECT_EQ(Wakeups(), 1u) << "a reader that was woken is not woken again";
}

TEST_F(RingWakeTest, ABatchWakesOnceWhenItIsFull) {
  auto reader = Attach();
  ASSERT_FALSE(reader->Arm(10 * 32));
  for (int i = 0; i < 9; ++i) ASSERT_EQ(Emit("12345678"), 0);
  EXPECT_EQ(Wakeups(), 0u);
  EXPECT_EQ(Mask(), 0u);
  ASSERT_EQ(Emit("12345678"), 0);
  EXPECT_EQ(Wakeups(), 1u);
  EXPECT_EQ(Mask(), KCHAN_RING_READABLE);
}

TEST_F(RingWakeTest, ABatchLargerThanTheRingCannotSleepThroughItsFilling) {
  auto reader = Attach();
  ASSERT_FALSE(reader->Arm(10 * kDataBytes));
  const uint64_t stored = Fill();
  EXPECT_GT(stored, 0u);
  EXPECT_EQ(Wakeups(), 1u);
  EXPECT_EQ(ring_->Counters().lost, 0u) << "woken before anything was lost";
}

TEST_F(RingWakeTest, ArmSeesWhatCameBeforeIt) {
  auto reader = Attach();
  ASSERT_EQ(Emit("a"), 0);
  EXPECT_TRUE(reader->Arm());
  DrainAll(*reader);
  reader->Release();
  EXPECT_FALSE(reader->Arm());
}

TEST_F(RingWakeTest, ANestWakesWhenItsOutermostPublishes) {
  auto reader = Attach();
  ASSERT_FALSE(reader->Arm());
  kchan_record* outer = Reserve(1);
  ASSERT_EQ(Emit("inner"), 0);
  EXPECT_EQ(Wakeups(), 0u);
  kchan_ring_commit(ring_->core(), outer);
  EXPECT_EQ(Wakeups(), 1u);
}

TEST_F(RingWakeTest, TheFirstUnseenLossWakesAndShowsUntilItIsSeen) {
  auto reader = Attach();
  Fill();
  DrainAll(*reader);
  ASSERT_FALSE(reader->Arm());
  const uint64_t before = Wakeups();
  EXPECT_EQ(Emit("x"), -ENOBUFS);
  EXPECT_EQ(Wakeups(), before + 1);
  EXPECT_EQ(Mask(), KCHAN_RING_LOST);
  EXPECT_EQ(Emit("x"), -ENOBUFS);
  EXPECT_EQ(Wakeups(), before + 1) << "poll() shows it already";

  RecordingSink sink;
  ASSERT_TRUE(reader->ReportTailLoss(sink).ok());
  EXPECT_EQ(sink.lost, 2u);
  EXPECT_EQ(Mask(), KCHAN_RING_LOST) << "told, but not yet released";
  reader->Release();
  ASSERT_FALSE(reader->Arm());
  EXPECT_EQ(Mask(), 0u);
  EXPECT_EQ(Emit(std::string(70000, 'x')), -EMSGSIZE);
  EXPECT_EQ(Wakeups(), before + 2) << "the next loss is a new one";
}

TEST_F(RingWakeTest, AHostileWakePosCostsAtMostOneWakePerRecord) {
  for (const uint64_t wake_pos : {uint64_t{0}, ~uint64_t{0}, uint64_t{1} << 63, kDataBytes * 7}) {
    ring_->consumer()->wake_pos = wake_pos;
    const uint64_t before = Wakeups();
    ASSERT_EQ(Emit("a"), 0);
    EXPECT_LE(Wakeups(), before + 1) << wake_pos;
  }
}

}  // namespace
}  // namespace kchan::testing
