// SPDX-License-Identifier: Apache-2.0
// A reader is killed at each step of its round; the next one goes on so that no
// number is given twice and nothing is lost that is not in the arithmetic.
#include "tests/unit/ring/ring_fixture.h"

namespace kchan::testing {
namespace {

using Entries = std::vector<std::string>;

class RingSuccessorTest : public RingTest {
 protected:
  static uint64_t NumbersUsed(const source::RingReader& reader) {
    return reader.sequence_base() + reader.numbers_used();
  }
  void LoseOne() { EXPECT_EQ(Emit(std::string(65536, 'x')), -EMSGSIZE); }
};

TEST_F(RingSuccessorTest, KilledBeforeReleaseEverythingIsReadAgainUnderTheSameNumbers) {
  ASSERT_EQ(Emit("a"), 0);
  LoseOne();
  ASSERT_EQ(Emit("b"), 0);
  auto first = Attach();
  EXPECT_EQ(DrainAll(*first), (Entries{"a", "lost 1", "b"}));
  first.reset();

  auto second = Attach();
  EXPECT_EQ(second->sequence_base(), 0u);
  EXPECT_EQ(DrainAll(*second), (Entries{"a", "lost 1", "b"}));
}

TEST_F(RingSuccessorTest, KilledAfterReleaseItsNumbersAreUsedUp) {
  ASSERT_EQ(Emit("a"), 0);
  LoseOne();
  ASSERT_EQ(Emit("b"), 0);
  auto first = Attach();
  DrainAll(*first);
  first->Release();
  EXPECT_EQ(NumbersUsed(*first), 3u);
  ASSERT_EQ(Emit("c"), 0);
  first.reset();

  auto second = Attach();
  EXPECT_EQ(second->sequence_base(), 3u);
  EXPECT_EQ(DrainAll(*second), Entries{"c"});
}

TEST_F(RingSuccessorTest, KilledBetweenTheTwoStoresOfReleaseLeavesAGapNotALie) {
  ASSERT_EQ(Emit("a"), 0);
  LoseOne();
  ASSERT_EQ(Emit("b"), 0);
  auto first = Attach();
  DrainAll(*first);
  ring_->consumer()->lost_seen = 1;  // the first store; then it died
  first.reset();

  // Nobody has seen number 1..3. The successor gives two records, and its base
  // already counts the loss: a subscriber finds one number missing, which it is.
  auto second = Attach();
  EXPECT_EQ(second->sequence_base(), 1u);
  EXPECT_EQ(DrainAll(*second), (Entries{"a", "b"}));
  EXPECT_EQ(NumbersUsed(*second), 3u);
}

TEST_F(RingSuccessorTest, ATailLossToldByAPredecessorIsNotToldAgain) {
  auto first = Attach();
  ASSERT_EQ(Emit("a"), 0);
  LoseOne();
  LoseOne();
  DrainAll(*first);
  RecordingSink sink;
  ASSERT_TRUE(first->ReportTailLoss(sink).ok());
  EXPECT_EQ(sink.lost, 2u);
  first->Release();
  EXPECT_EQ(NumbersUsed(*first), 3u);
  first.reset();

  LoseOne();
  ASSERT_EQ(Emit("b"), 0);  // carries all three
  auto second = Attach();
  EXPECT_EQ(second->sequence_base(), 3u);
  EXPECT_EQ(DrainAll(*second), (Entries{"lost 1", "b"}));
  EXPECT_EQ(NumbersUsed(*second), 5u);
}

TEST_F(RingSuccessorTest, AReleaseInTheMiddleIsAPlaceToGoOn) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(Emit(std::to_string(i)), 0);
    if (i == 4) LoseOne();
  }
  kchan_ring_discard(ring_->core(), Reserve(4));
  auto first = Attach();
  RecordingSink sink;
  ASSERT_EQ(*first->Drain(sink, 3 * 32), 3 * 32u);
  first->Release();
  ASSERT_TRUE(first->Drain(sink, 64).ok());  // copied out, never released
  first.reset();

  auto second = Attach();
  EXPECT_EQ(second->sequence_base(), 3u);
  EXPECT_EQ(DrainAll(*second), (Entries{"3", "4", "lost 1", "5", "6", "7", "8", "9"}));
  EXPECT_EQ(NumbersUsed(*second), 11u);
}

TEST_F(RingSuccessorTest, APositionThatIsNoReadersStartsAtTheProducer) {
  for (int i = 0; i < 10; ++i) ASSERT_EQ(Emit("12345678"), 0);
  LoseOne();
  ring_->consumer()->consumer_pos = 8;  // within the first record
  auto reader = Attach();
  EXPECT_EQ(reader->sequence_base(), 10u);
  EXPECT_TRUE(DrainAll(*reader).empty());
  ASSERT_EQ(Emit("next"), 0);
  EXPECT_EQ(DrainAll(*reader), (Entries{"lost 1", "next"}));
}

TEST_F(RingSuccessorTest, AForgedLostSeenClaimsNoMoreThanThereIs) {
  LoseOne();
  ASSERT_EQ(Emit("a"), 0);
  LoseOne();
  ring_->consumer()->lost_seen = ~0ull;
  auto reader = Attach();
  EXPECT_EQ(reader->sequence_base(), 2u);
  EXPECT_EQ(DrainAll(*reader), Entries{"a"});
  LoseOne();
  ASSERT_EQ(Emit("b"), 0);
  EXPECT_EQ(DrainAll(*reader), (Entries{"lost 1", "b"}));
  EXPECT_EQ(NumbersUsed(*reader), 5u);
}

}  // namespace
}  // namespace kchan::testing
