// SPDX-License-Identifier: Apache-2.0
// The reader inside the kernel, which drains a queue in place.
#include "tests/unit/ring/ring_fixture.h"

namespace kchan::testing {
namespace {

struct Taken {
  std::vector<std::string> entries;
  size_t room = 1000;  // refuses records after that many

  static bool Take(void* context, const kchan_record* record, u64 lost, u64 sequence) {
    auto* taken = static_cast<Taken*>(context);
    if (taken->entries.size() == taken->room) return false;
    std::string entry(reinterpret_cast<const char*>(record + 1), record->length);
    if (lost > 0) entry += " lost " + std::to_string(lost);
    taken->entries.push_back(entry + " #" + std::to_string(sequence));
    return true;
  }
};

using Entries = std::vector<std::string>;

class RingConsumerTest : public RingTest {
 protected:
  void SetUp() override {
    Make({.data_bytes = 16384, .cpu = KCHAN_CPU_SHARED, .max_payload_bytes = 4096});
    kchan_ring_consumer_init(&consumer_, ring_->core());
  }
  int EmitShared(const std::string& payload, uint16_t flags = 0) {
    return kchan_ring_emit_shared(ring_->core(), 1, flags, payload.data(),
                                  static_cast<u32>(payload.size()));
  }
  void LoseOne() { EXPECT_EQ(EmitShared(std::string(5000, 'x')), -EMSGSIZE); }

  kchan_ring_consumer consumer_;
  Taken taken_;
};

TEST_F(RingConsumerTest, NumbersRecordsAndLosses) {
  ASSERT_EQ(EmitShared("a"), 0);
  LoseOne();
  LoseOne();
  ASSERT_EQ(EmitShared("b"), 0);
  EXPECT_EQ(kchan_ring_consume(&consumer_, &Taken::Take, &taken_), 2u);
  EXPECT_EQ(taken_.entries, (Entries{"a #1", "b lost 2 #4"}));
  EXPECT_EQ(consumer_.sequence, 4u);
  EXPECT_EQ(kchan_ring_fill_bytes(ring_->core()), 0u);
}

TEST_F(RingConsumerTest, ARefusedRecordComesAgainWithItsLosses) {
  ASSERT_EQ(EmitShared("a"), 0);
  LoseOne();
  ASSERT_EQ(EmitShared("b"), 0);
  taken_.room = 1;
  EXPECT_EQ(kchan_ring_consume(&consumer_, &Taken::Take, &taken_), 1u);
  EXPECT_EQ(consumer_.sequence, 1u);
  taken_.room = 2;
  EXPECT_EQ(kchan_ring_consume(&consumer_, &Taken::Take, &taken_), 1u);
  EXPECT_EQ(taken_.entries, (Entries{"a #1", "b lost 1 #3"}));
}

TEST_F(RingConsumerTest, TailLossIsNumberedOnce) {
  ASSERT_EQ(EmitShared("a"), 0);
  LoseOne();
  EXPECT_EQ(kchan_ring_consume(&consumer_, &Taken::Take, &taken_), 1u);
  EXPECT_EQ(kchan_ring_consume_tail_loss(&consumer_), 1u);
  EXPECT_EQ(kchan_ring_consume_tail_loss(&consumer_), 0u);
  EXPECT_EQ(consumer_.sequence, 2u);
  LoseOne();
  ASSERT_EQ(EmitShared("b"), 0);
  EXPECT_EQ(kchan_ring_consume(&consumer_, &Taken::Take, &taken_), 1u);
  EXPECT_EQ(taken_.entries, (Entries{"a #1", "b lost 1 #4"}));
}

// Or the loss would take the number of a record that was stored before it.
TEST_F(RingConsumerTest, TailLossWaitsForTheRecordsBeforeIt) {
  ASSERT_EQ(EmitShared("a"), 0);
  EXPECT_EQ(kchan_ring_consume(&consumer_, &Taken::Take, &taken_), 1u);
  ASSERT_EQ(EmitShared("b"), 0);
  LoseOne();
  EXPECT_EQ(kchan_ring_consume_tail_loss(&consumer_), 0u);
  EXPECT_EQ(kchan_ring_consume(&consumer_, &Taken::Take, &taken_), 1u);
  EXPECT_EQ(kchan_ring_consume_tail_loss(&consumer_), 1u);
  EXPECT_EQ(taken_.entries, (Entries{"a #1", "b #2"}));
  EXPECT_EQ(consumer_.sequence, 3u);
}

TEST_F(RingConsumerTest, ArmWakesOnTheNextRecordOrLossOnly) {
  EXPECT_FALSE(kchan_ring_consume_arm(&consumer_));
  ASSERT_EQ(EmitShared("a"), 0);
  EXPECT_EQ(ring_->Counters().wakeups, 1u);
  EXPECT_TRUE(kchan_ring_consume_arm(&consumer_)) << "it has not been consumed";
  kchan_ring_consume(&consumer_, &Taken::Take, &taken_);
  EXPECT_FALSE(kchan_ring_consume_arm(&consumer_));
  LoseOne();
  EXPECT_EQ(ring_->Counters().wakeups, 2u);
  EXPECT_TRUE(kchan_ring_consume_arm(&consumer_));
  kchan_ring_consume_tail_loss(&consumer_);
  EXPECT_FALSE(kchan_ring_consume_arm(&consumer_));
}

TEST_F(RingConsumerTest, KeepsSixteenBitsOfTheWriters) {
  ASSERT_EQ(EmitShared("a", 513), 0);
  uint16_t flags = 0;
  kchan_ring_consume(
      &consumer_,
      [](void* context, const kchan_record* record, u64, u64) {
        *static_cast<uint16_t*>(context) = record->flags;
        return true;
      },
      &flags);
  EXPECT_EQ(flags, 513);
}

TEST_F(RingConsumerTest, ManyLapsStayExact) {
  uint64_t attempts = 0;
  for (int round = 0; round < 300; ++round) {
    for (int i = 0; i < 1 + round % 200; ++i, ++attempts) {
      EmitShared(std::string(static_cast<size_t>(i) * 7 % 300, 'x'));
    }
    taken_.entries.clear();
    kchan_ring_consume(&consumer_, &Taken::Take, &taken_);
    EXPECT_LE(consumer_.sequence, attempts);
  }
  kchan_ring_consume_tail_loss(&consumer_);
  EXPECT_EQ(consumer_.sequence, attempts);
  EXPECT_GT(ring_->Counters().lost, 0u);
  ExpectCountersAddUp(attempts, 0);
}

}  // namespace
}  // namespace kchan::testing
