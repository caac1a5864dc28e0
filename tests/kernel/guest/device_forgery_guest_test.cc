// SPDX-License-Identifier: Apache-2.0
// A reader that lies about where it is: the one position that the kernel takes
// from memory that user space writes.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mapped_ring.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

constexpr uint32_t kLength = 100;

// Whatever the consumer page says, each attempt is either stored or counted,
// and the ring works again once the position is true.
class ForgedPositionTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error);
    PinToCpu(0);
    const uint32_t cpu = PerCpu() ? 0 : KCHAN_CPU_SHARED;
    reader_ = std::make_unique<Reader>(GetParam(), cpu);
    ASSERT_EQ(reader_->error, 0);
    lap_ = static_cast<uint32_t>(reader_->file.data_bytes() / RecordBytes(kLength));
  }

  static bool PerCpu() { return std::strcmp(GetParam(), "test.per_cpu") == 0; }
  // In-place writing is for rings that have one CPU's writers only.
  static std::vector<Form> Forms() {
    return PerCpu() ? std::vector{Form::kEmit, Form::kCommit, Form::kHardirq}
                    : std::vector{Form::kEmit, Form::kHardirq};
  }
  void Write(uint32_t count, Form form = Form::kEmit) {
    WriteRecords(socket_, GetParam(), {.count = count, .length = kLength, .form = form});
    attempts_ += count;
  }
  void ReadAll() { reader_->consumer().consumer_pos = reader_->producer().producer_pos; }

  // Full, with a reader that is one and a half laps on: from here on each write
  // has to look at the position.
  void FillInTheSecondLap() {
    Write(lap_);
    ReadAll();
    Write(lap_ / 2);
    ReadAll();
    Write(lap_ + 1);
  }

  void ExpectExactCounters() {
    const kchan_ring_counters counters = reader_->file.Counters();
    EXPECT_EQ(counters.records + counters.lost, attempts_);
  }

  // Once the position is true: what is written from here on is there, whole.
  void ExpectRingWorks() {
    ReadAll();
    const uint64_t start = reader_->producer().producer_pos;
    Write(lap_);
    const uint64_t end = reader_->producer().producer_pos;
    ASSERT_EQ(end, start + lap_ * RecordBytes(kLength));
    for (uint64_t at = start; at != end; at += RecordBytes(kLength)) {
      const auto* record =
          reinterpret_cast<const kchan_record*>(reader_->data() + at % reader_->file.data_bytes());
      ASSERT_EQ(record->length, kLength) << at;
      ASSERT_EQ(record->type, kWrittenType) << at;
    }
    ReadAll();
  }

  ScopedModule testbed_{"kchan_testbed"};
  GenlSocket socket_;
  std::unique_ptr<Reader> reader_;
  uint32_t lap_ = 0;
  uint64_t attempts_ = 0;
};

TEST_P(ForgedPositionTest, NonsenseIsCountedAndNeverFollowed) {
  ASSERT_NO_FATAL_FAILURE(FillInTheSecondLap());
  const uint64_t size = reader_->file.data_bytes();
  const uint64_t end = reader_->producer().producer_pos;
  const struct {
    const char* what;
    uint64_t position;
  } lies[] = {
      {"of a generation before", 0},
      {"all ones", ~uint64_t{0}},
      {"the other sign", ~size},
      {"a byte ahead", end + 1},
      {"a record ahead", end + RecordBytes(kLength)},
      {"a lap ahead", end + size},
      {"half the range ahead", end + (uint64_t{1} << 63)},
      {"a lap behind and a bit", end - size - 8},
      {"a record of the lap before", end - size - RecordBytes(kLength)},
      {"in the middle of it", end - size - 13},
  };
  for (const auto& lie : lies) {
    for (const Form form : Forms()) {
      reader_->consumer().consumer_pos = lie.position;
      const kchan_ring_counters before = reader_->file.Counters();
      Write(10, form);
      const kchan_ring_counters after = reader_->file.Counters();
      EXPECT_EQ(after.bad_consumer_pos, before.bad_consumer_pos + 10) << lie.what;
      EXPECT_EQ(after.lost_full, before.lost_full + 10) << lie.what;
      EXPECT_EQ(reader_->producer().producer_pos, end) << lie.what;
      ExpectExactCounters();
    }
  }
  ExpectRingWorks();
}

// Within the ring nobody can tell a lie from a reader: what is not read is then
// overwritten, and that is all.
TEST_P(ForgedPositionTest, LieWithinTheRingCostsOnlyTheLiar) {
  ASSERT_NO_FATAL_FAILURE(FillInTheSecondLap());
  const uint64_t bad = reader_->file.Counters().bad_consumer_pos;
  for (const uint64_t behind : {uint64_t{0}, uint64_t{1}, uint64_t{13}, RecordBytes(kLength) - 1,
                                RecordBytes(kLength) + 7, uint64_t{999}}) {
    for (const Form form : Forms()) {
      const uint64_t end = reader_->producer().producer_pos;
      reader_->consumer().consumer_pos = end - behind;
      Write(3, form);
      EXPECT_EQ(reader_->producer().producer_pos, end + 3 * RecordBytes(kLength)) << behind;
      // And it may go back, as far as the ring reaches: then it is full.
      Write(lap_ + 1, form);
      const uint64_t full = reader_->producer().producer_pos;
      reader_->consumer().consumer_pos = full - reader_->file.data_bytes();
      Write(2, form);
      EXPECT_EQ(reader_->producer().producer_pos, full) << behind;
      ExpectExactCounters();
    }
  }
  EXPECT_EQ(reader_->file.Counters().bad_consumer_pos, bad);
  ExpectRingWorks();
}

TEST_P(ForgedPositionTest, ForgerAtWorkIsHarmless) {
  ASSERT_NO_FATAL_FAILURE(FillInTheSecondLap());
  std::atomic<bool> stop = false;
  std::thread forger([&] {
    PinToCpu(1);
    uint64_t seed = 1;
    while (!stop) {
      seed = seed * 6364136223846793005 + 1442695040888963407;
      const uint64_t end = reader_->producer().producer_pos;
      const uint64_t lies[] = {seed, end, end - seed % reader_->file.data_bytes(), end + seed % 64};
      reader_->consumer().consumer_pos = lies[seed >> 62];
      reader_->consumer().wake_pos = lies[seed >> 60 & 3];
      reader_->consumer().lost_seen = seed;
    }
  });
  for (int i = 0; i < 100; i++) {
    for (const Form form : Forms()) Write(50, form);
  }
  stop = true;
  forger.join();
  ExpectExactCounters();
  ExpectRingWorks();
}

INSTANTIATE_TEST_SUITE_P(Layouts, ForgedPositionTest,
                         ::testing::Values("test.per_cpu", "test.shared"),
                         [](const auto& tested) { return std::string(tested.param + 5); });

}  // namespace
}  // namespace kchan::guest
