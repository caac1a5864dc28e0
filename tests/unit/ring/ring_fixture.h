// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_RING_RING_FIXTURE_H_
#define KCHAN_TESTS_UNIT_RING_RING_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/source/ring_reader.h"
#include "ring.h"
#include "tests/unit/ring/recording_sink.h"
#include "tests/unit/ring/user_ring.h"

namespace kchan::testing {

// One ring, one thread that plays its CPU, and a reader.
class RingTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kDataBytes = 65536;

  void Make(const UserRing::Options& options) { ring_ = UserRing::Create(options); }

  int Emit(std::string_view payload) { return Emit(1, payload); }
  int Emit(uint16_t type, std::string_view payload) {
    return kchan_ring_emit(ring_->core(), type, payload.data(),
                           static_cast<uint32_t>(payload.size()));
  }
  kchan_record* Reserve(uint32_t length) { return kchan_ring_reserve(ring_->core(), 1, length); }
  // Emits empty records until the next one would not fit. Returns how many.
  uint64_t Fill() {
    uint64_t stored = 0;
    while (kchan_ring_fill_bytes(ring_->core()) + sizeof(kchan_record) <= ring_->data_bytes()) {
      EXPECT_EQ(Emit(""), 0);
      ++stored;
    }
    return stored;
  }

  absl::StatusOr<std::unique_ptr<source::RingReader>> TryAttach() {
    return source::RingReader::Attach(ring_->Map(), "ring test");
  }
  std::unique_ptr<source::RingReader> Attach() {
    auto reader = TryAttach();
    EXPECT_TRUE(reader.ok()) << reader.status();
    return *std::move(reader);
  }
  // Everything there is, not released.
  static std::vector<std::string> DrainAll(source::RingReader& reader) {
    RecordingSink sink;
    DrainInto(reader, sink);
    return sink.entries;
  }
  static void DrainInto(source::RingReader& reader, RecordingSink& sink) {
    for (;;) {
      const auto drained = reader.Drain(sink, 4096);
      ASSERT_TRUE(drained.ok()) << drained.status();
      if (*drained == 0) return;
    }
  }

  // Holds whenever no writer is between reserve and commit.
  void ExpectCountersAddUp(uint64_t attempts, uint64_t withdrawn) {
    const struct kchan_ring_counters counters = ring_->Counters();
    EXPECT_EQ(counters.records + counters.lost, attempts);
    EXPECT_EQ(counters.discarded, withdrawn);
    EXPECT_EQ(counters.lost, counters.lost_full + counters.lost_no_ring + counters.lost_contended +
                                 counters.lost_oversize);
    EXPECT_EQ(ring_->producer()->version % 2, 0u);
    EXPECT_LE(ring_->producer()->producer_lost, counters.lost);
    EXPECT_EQ(ring_->producer()->producer_seq - ring_->producer()->producer_lost, counters.records);
  }

  std::unique_ptr<UserRing> ring_ = UserRing::Create();
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_UNIT_RING_RING_FIXTURE_H_
