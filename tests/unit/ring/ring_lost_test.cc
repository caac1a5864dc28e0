// SPDX-License-Identifier: Apache-2.0
// Losses: every attempt takes one number, stored or lost, and each loss is
// told to the reader exactly once.
#include "tests/unit/ring/ring_fixture.h"

namespace kchan::testing {
namespace {

using Entries = std::vector<std::string>;

class RingLostTest : public RingTest {};

TEST_F(RingLostTest, AFullRingLosesExactlyWhatItSays) {
  const uint64_t stored = Fill();
  for (int i = 0; i < 17; ++i) ASSERT_EQ(Emit("x"), -ENOBUFS);
  ExpectCountersAddUp(stored + 17, 0);
  EXPECT_EQ(ring_->Counters().lost_full, 17u);

  auto reader = Attach();
  RecordingSink sink;
  DrainInto(*reader, sink);
  EXPECT_EQ(sink.records, stored);
  EXPECT_EQ(sink.lost, 0u) << "no record has carried the losses yet";
  reader->Release();

  ASSERT_EQ(Emit("after"), 0);
  EXPECT_EQ(DrainAll(*reader), (Entries{"lost 17", "after"}));
  EXPECT_EQ(reader->numbers_used(), stored + 17 + 1);
}

TEST_F(RingLostTest, TailLossIsToldAndThenCreditedToTheNextRecord) {
  auto reader = Attach();
  Fill();
  for (int i = 0; i < 5; ++i) ASSERT_EQ(Emit("x"), -ENOBUFS);
  RecordingSink sink;
  DrainInto(*reader, sink);
  ASSERT_TRUE(reader->ReportTailLoss(sink).ok());
  EXPECT_EQ(sink.lost, 5u);
  ASSERT_TRUE(reader->ReportTailLoss(sink).ok());
  EXPECT_EQ(sink.lost, 5u) << "told once";

  // Two more before the space is free again: only these are new.
  EXPECT_EQ(Emit("x"), -ENOBUFS);
  EXPECT_EQ(Emit("x"), -ENOBUFS);
  reader->Release();
  ASSERT_EQ(Emit("next"), 0);
  EXPECT_EQ(DrainAll(*reader), (Entries{"lost 2", "next"}));
  EXPECT_EQ(ring_->producer()->producer_lost, 7u);
}

TEST_F(RingLostTest, TailLossWaitsForTheRecordsBeforeIt) {
  auto reader = Attach();
  ASSERT_EQ(Emit("before"), 0);
  EXPECT_EQ(Emit(std::string(70000, 'x')), -EMSGSIZE);
  RecordingSink sink;
  ASSERT_TRUE(reader->ReportTailLoss(sink).ok());
  EXPECT_TRUE(sink.entries.empty());
  DrainInto(*reader, sink);
  ASSERT_TRUE(reader->ReportTailLoss(sink).ok());
  EXPECT_EQ(sink.entries, (Entries{"before", "lost 1"}));
}

TEST_F(RingLostTest, LossWithoutMemoryIsCarriedByTheFirstRecord) {
  Make({.attach_memory = false});
  EXPECT_EQ(Emit("a"), -ENOBUFS);
  EXPECT_EQ(Emit("b"), -ENOBUFS);
  EXPECT_EQ(kchan_ring_poll_mask(ring_->core()), 0u);
  EXPECT_EQ(ring_->Counters().lost_no_ring, 2u);

  ring_->AttachMemory();
  EXPECT_EQ(ring_->core()->nest, 0u);
  EXPECT_EQ(kchan_ring_poll_mask(ring_->core()) & KCHAN_RING_LOST, KCHAN_RING_LOST);
  ASSERT_EQ(Emit("c"), 0);
  auto reader = Attach();
  EXPECT_EQ(DrainAll(*reader), (Entries{"lost 2", "c"}));
  ExpectCountersAddUp(3, 0);
}

TEST_F(RingLostTest, ADiscardedRecordStillCarriesLosses) {
  auto reader = Attach();
  Fill();
  EXPECT_EQ(Emit("x"), -ENOBUFS);
  RecordingSink sink;
  DrainInto(*reader, sink);
  reader->Release();
  kchan_record* record = Reserve(8);
  ASSERT_FALSE(IS_ERR(record));
  kchan_ring_discard(ring_->core(), record);
  ASSERT_EQ(Emit("y"), 0);
  EXPECT_EQ(DrainAll(*reader), (Entries{"lost 1", "y"}));
}

TEST_F(RingLostTest, ALossWithinANestIsCarriedOnce) {
  Fill();
  EXPECT_EQ(Emit("x"), -ENOBUFS);
  auto reader = Attach();
  DrainAll(*reader);
  reader->Release();

  // The interrupt's record lies behind, and may not take the loss again.
  kchan_record* outer = Reserve(5);
  ASSERT_FALSE(IS_ERR(outer));
  EXPECT_EQ(Emit(std::string(kDataBytes - 24, 'x')), -ENOBUFS) << "within the nest";
  ASSERT_EQ(Emit("inner"), 0);
  std::memcpy(outer + 1, "outer", 5);
  kchan_ring_commit(ring_->core(), outer);
  EXPECT_EQ(DrainAll(*reader), (Entries{"lost 1", "outer", "lost 1", "inner"}));
}

TEST_F(RingLostTest, ARefusedRecordIsCountedContended) {
  kchan_ring_refuse(ring_->core());
  EXPECT_EQ(ring_->Counters().lost_contended, 1u);
  ASSERT_EQ(Emit("a"), 0);
  auto reader = Attach();
  EXPECT_EQ(DrainAll(*reader), (Entries{"lost 1", "a"}));
}

TEST_F(RingLostTest, AnOwnRecursionOnASharedRingIsLostNotADeadlock) {
  Make({.cpu = KCHAN_CPU_SHARED});
  kchan_ring* core = ring_->core();
  ASSERT_EQ(kchan_ring_emit_shared(core, 1, 0, "a", 1), 0);

  // A probe on something that the lock's holder calls.
  kchan_port_cpu = 3;
  raw_spin_lock(&core->lock);
  core->owner = 3;
  EXPECT_EQ(kchan_ring_emit_shared(core, 1, 0, "b", 1), -EBUSY);
  // An NMI on another CPU may not wait either.
  kchan_port_cpu = 4;
  kchan_port_nmi = true;
  EXPECT_EQ(kchan_ring_emit_shared(core, 1, 0, "c", 1), -EBUSY);
  core->owner = -1;
  raw_spin_unlock(&core->lock);
  EXPECT_EQ(kchan_ring_emit_shared(core, 1, 0, "d", 1), 0) << "a free lock is for NMIs, too";
  kchan_port_nmi = false;
  kchan_port_cpu = 0;

  auto reader = Attach();
  EXPECT_EQ(DrainAll(*reader), (Entries{"a", "lost 2", "d"}));
  EXPECT_EQ(ring_->Counters().lost_contended, 2u);
  ExpectCountersAddUp(4, 0);
}

}  // namespace
}  // namespace kchan::testing
