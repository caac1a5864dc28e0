// SPDX-License-Identifier: Apache-2.0
// Records in a ring: where they lie, in which order they come out, and what
// happens at the end of the data area.
#include <ctime>

#include "tests/unit/ring/ring_fixture.h"

namespace kchan::testing {
namespace {

using Entries = std::vector<std::string>;

class RingRecordTest : public RingTest {};

TEST_F(RingRecordTest, EmptyRingGivesNothing) {
  auto reader = Attach();
  EXPECT_EQ(reader->sequence_base(), 0u);
  EXPECT_TRUE(DrainAll(*reader).empty());
  EXPECT_EQ(*reader->backlog_bytes(), 0u);
}

TEST_F(RingRecordTest, RecordsComeInOrderWithTheirHeaders) {
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  const uint64_t before_ns = static_cast<uint64_t>(now.tv_sec) * 1000000000u + now.tv_nsec;
  ASSERT_EQ(Emit(7, "first"), 0);
  ASSERT_EQ(Emit(8, ""), 0);
  ASSERT_EQ(Emit(9, "third!!!"), 0);

  auto reader = Attach();
  RecordingSink sink;
  DrainInto(*reader, sink);
  EXPECT_EQ(sink.entries, (Entries{"first", "", "third!!!"}));
  EXPECT_EQ(sink.headers[0].type, 7);
  EXPECT_EQ(sink.headers[1].type, 8);
  EXPECT_EQ(sink.headers[2].type, 9);
  EXPECT_EQ(sink.headers[0].length, 5u);
  EXPECT_EQ(sink.headers[0].flags, 0);
  EXPECT_GE(sink.headers[0].boottime_ns, before_ns);
  EXPECT_LE(sink.headers[0].boottime_ns, sink.headers[2].boottime_ns);
  EXPECT_EQ(reader->numbers_used(), 3u);
}

TEST_F(RingRecordTest, DrainStopsNearItsBound) {
  for (int i = 0; i < 10; ++i) ASSERT_EQ(Emit("12345678"), 0);
  auto reader = Attach();
  RecordingSink sink;
  EXPECT_EQ(*reader->Drain(sink, 1), 32u);  // at least one record
  EXPECT_EQ(*reader->Drain(sink, 64), 64u);
  EXPECT_EQ(sink.records, 3u);
  EXPECT_EQ(*reader->backlog_bytes(), 7 * 32u);
}

TEST_F(RingRecordTest, RecordsOfEverySizeRunOverTheEndWhole) {
  auto reader = Attach();
  // Sizes that are no divisor of the ring: records start at every offset, and
  // the header as well as the payload lies across the end at some point.
  uint64_t over_the_end = 0;
  for (uint32_t i = 0; i < 4000; ++i) {
    const std::string payload(i % 301, static_cast<char>('a' + i % 26));
    const uint64_t offset = ring_->producer()->producer_pos % kDataBytes;
    if (offset + sizeof(kchan_record) + payload.size() > kDataBytes) ++over_the_end;
    ASSERT_EQ(Emit(payload), 0);
    ASSERT_EQ(DrainAll(*reader), Entries{payload});
    reader->Release();
  }
  EXPECT_GT(over_the_end, 5u);
  ExpectCountersAddUp(4000, 0);
}

TEST_F(RingRecordTest, TheLastByteCanBeUsed) {
  const uint32_t payload_bytes = (kDataBytes / 2) - sizeof(kchan_record);
  ASSERT_EQ(Emit(std::string(payload_bytes, 'x')), 0);
  // One byte more than what is left: does not fit. Exactly what is left: does.
  EXPECT_EQ(Emit(std::string(payload_bytes + 1, 'y')), -ENOBUFS);
  EXPECT_EQ(Emit(std::string(payload_bytes, 'z')), 0);
  EXPECT_EQ(kchan_ring_fill_bytes(ring_->core()), kDataBytes);
  EXPECT_EQ(Emit(""), -ENOBUFS);

  auto reader = Attach();
  EXPECT_EQ(DrainAll(*reader),
            (Entries{std::string(payload_bytes, 'x'), "lost 1", std::string(payload_bytes, 'z')}));
  reader->Release();
  EXPECT_EQ(Emit("again"), 0);
  EXPECT_EQ(DrainAll(*reader), (Entries{"lost 1", "again"}));
}

TEST_F(RingRecordTest, TooLongIsRefusedAndCounted) {
  Make({.data_bytes = 16384, .max_payload_bytes = 100});
  EXPECT_EQ(Emit(std::string(101, 'x')), -EMSGSIZE);
  EXPECT_EQ(Emit(std::string(100, 'x')), 0);
  EXPECT_EQ(ring_->Counters().lost_oversize, 1u);

  Make({.data_bytes = 16384, .max_payload_bytes = 65536});
  EXPECT_EQ(Emit(std::string(16384, 'x')), -EMSGSIZE) << "longer than the whole ring";
  EXPECT_EQ(ring_->Counters().lost_oversize, 1u);
  EXPECT_EQ(Emit(std::string(16384 - sizeof(kchan_record), 'x')), 0);
  ExpectCountersAddUp(2, 0);
}

TEST_F(RingRecordTest, ADiscardedRecordTakesNoNumberButItsSpace) {
  ASSERT_EQ(Emit("a"), 0);
  kchan_record* record = Reserve(100);
  ASSERT_FALSE(IS_ERR(record));
  kchan_ring_discard(ring_->core(), record);
  ASSERT_EQ(Emit("b"), 0);
  EXPECT_EQ(kchan_ring_fill_bytes(ring_->core()), 32u + 128u + 32u);

  auto reader = Attach();
  EXPECT_EQ(DrainAll(*reader), (Entries{"a", "b"}));
  EXPECT_EQ(reader->numbers_used(), 2u);
  EXPECT_EQ(ring_->Counters().bytes, 64u) << "of records that were stored";
  ExpectCountersAddUp(2, 1);
}

TEST_F(RingRecordTest, NothingIsSeenBeforeTheCommit) {
  auto reader = Attach();
  kchan_record* record = Reserve(5);
  ASSERT_FALSE(IS_ERR(record));
  EXPECT_TRUE(DrainAll(*reader).empty());
  std::memcpy(record + 1, "later", 5);
  kchan_ring_commit(ring_->core(), record);
  EXPECT_EQ(DrainAll(*reader), Entries{"later"});
}

TEST_F(RingRecordTest, TheOutermostWriterPublishesForThoseWithin) {
  auto reader = Attach();
  kchan_record* outer = Reserve(5);
  ASSERT_FALSE(IS_ERR(outer));
  ASSERT_EQ(Emit("interrupt"), 0);
  EXPECT_TRUE(DrainAll(*reader).empty()) << "lies behind a record that is not complete";
  kchan_record* inner = Reserve(2);
  ASSERT_EQ(Emit("nmi"), 0);
  kchan_ring_discard(ring_->core(), inner);
  EXPECT_TRUE(DrainAll(*reader).empty());

  std::memcpy(outer + 1, "outer", 5);
  kchan_ring_commit(ring_->core(), outer);
  EXPECT_EQ(DrainAll(*reader), (Entries{"outer", "interrupt", "nmi"}));
  ExpectCountersAddUp(3, 1);
}

TEST_F(RingRecordTest, AFailedReservePublishesWhatItWasLeft) {
  // The interrupt comes after the outer writer has entered and before it finds
  // the ring full; simulated by the nesting depth that it sees.
  auto reader = Attach();
  ring_->core()->nest = 1;
  ASSERT_EQ(Emit("interrupt"), 0);
  EXPECT_TRUE(DrainAll(*reader).empty());
  ring_->core()->nest = 0;
  EXPECT_EQ(Emit(std::string(kDataBytes - sizeof(kchan_record), 'x')), -ENOBUFS);
  EXPECT_EQ(DrainAll(*reader), Entries{"interrupt"});
}

TEST_F(RingRecordTest, NothingFollowsDead) {
  auto reader = Attach();
  ASSERT_EQ(Emit("last"), 0);
  EXPECT_FALSE(reader->dead());
  ring_->MarkDead();
  EXPECT_EQ(Emit("late"), -ENODEV);
  EXPECT_TRUE(reader->dead());
  EXPECT_TRUE(reader->Arm()) << "never sleeps on a dead ring";
  EXPECT_EQ(DrainAll(*reader), Entries{"last"});
  EXPECT_EQ(kchan_ring_poll_mask(ring_->core()) & KCHAN_RING_DEAD, KCHAN_RING_DEAD);
  ExpectCountersAddUp(1, 0);
}

}  // namespace
}  // namespace kchan::testing
