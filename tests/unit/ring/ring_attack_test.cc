// SPDX-License-Identifier: Apache-2.0
// A reader that lies to the writer, and a ring that lies to the reader.
#include <algorithm>
#include <random>

#include "tests/unit/ring/payload.h"
#include "tests/unit/ring/ring_fixture.h"

namespace kchan::testing {
namespace {

// ---- A hostile consumer page ---------------------------------------------

struct Forgery {
  const char* name;
  uint64_t (*position)(uint64_t head, uint64_t data_bytes);
  bool plausible;  // it could be a reader's, as far as the writer can tell
};

const Forgery kForgeries[] = {
    {"zero", [](uint64_t, uint64_t) { return uint64_t{0}; }, false},
    {"all ones", [](uint64_t, uint64_t) { return ~uint64_t{0}; }, false},
    {"ahead", [](uint64_t head, uint64_t) { return head + 8; }, false},
    {"a ring ahead", [](uint64_t head, uint64_t size) { return head + size; }, false},
    {"a lap ago", [](uint64_t head, uint64_t size) { return head - size - 8; }, false},
    {"half the space of numbers",
     [](uint64_t head, uint64_t) { return head ^ (uint64_t{1} << 63); }, false},
    {"within a record", [](uint64_t head, uint64_t) { return head - 16; }, true},
    {"odd", [](uint64_t head, uint64_t) { return head - 3; }, true},
};

class ForgedConsumerPosTest : public RingTest, public ::testing::WithParamInterface<Forgery> {
 protected:
  // Some laps, so that positions are beyond the ring's size.
  void SetUp() override {
    auto reader = Attach();
    for (int lap = 0; lap < 3; ++lap) {
      Fill();
      DrainAll(*reader);
      reader->Release();
    }
  }
};

TEST_P(ForgedConsumerPosTest, NeverLetsARecordBeOverwrittenBeforeItsCommit) {
  kchan_record* outer = Reserve(1024);
  ASSERT_FALSE(IS_ERR(outer));
  const PayloadHead head = {.attempt = 1, .writer = 2, .bytes = 1024};
  auto* outer_payload = reinterpret_cast<std::byte*>(outer + 1);
  WritePayload(head, outer_payload);

  // Interrupts write as much as they are let, and the reader says anything.
  const uint64_t before = ring_->Counters().lost;
  uint64_t stored_bytes = 0;
  for (int i = 0; i < 5000; ++i) {
    const uint64_t position =
        GetParam().position(ring_->producer()->producer_pos, ring_->data_bytes());
    __atomic_store_n(&ring_->consumer()->consumer_pos, position, __ATOMIC_RELEASE);
    if (Emit("interrupt") == 0) stored_bytes += 40;
  }
  EXPECT_LE(stored_bytes, kDataBytes - 1048);
  EXPECT_GT(ring_->Counters().lost, before);
  PayloadHead read;
  EXPECT_TRUE(ReadPayload({outer_payload, 1024}, &read));
  kchan_ring_commit(ring_->core(), outer);

  // What was published is whole, whatever was lost.
  const uint64_t published = ring_->producer()->producer_pos;
  __atomic_store_n(&ring_->consumer()->consumer_pos, published - 1048 - stored_bytes,
                   __ATOMIC_RELEASE);
  auto reader = Attach();
  RecordingSink sink;
  DrainInto(*reader, sink);
  EXPECT_EQ(sink.records, 1 + stored_bytes / 40);
}

TEST_P(ForgedConsumerPosTest, NonsenseIsCountedAndTheWriterGoesOn) {
  const uint64_t bad_before = ring_->Counters().bad_consumer_pos;
  for (int i = 0; i < 10000; ++i) {
    const uint64_t position =
        GetParam().position(ring_->producer()->producer_pos, ring_->data_bytes());
    __atomic_store_n(&ring_->consumer()->consumer_pos, position, __ATOMIC_RELEASE);
    const int result = Emit("record");
    ASSERT_TRUE(result == 0 || result == -ENOBUFS) << result;
  }
  EXPECT_EQ(ring_->Counters().bad_consumer_pos > bad_before, !GetParam().plausible);

  // An honest reader afterwards starts where it safely can.
  auto reader = TryAttach();
  ASSERT_TRUE(reader.ok()) << reader.status();
  RecordingSink sink;
  DrainInto(**reader, sink);
  (*reader)->Release();
  ASSERT_EQ(Emit("honest"), 0);
  EXPECT_EQ(DrainAll(**reader).back(), "honest");
  const struct kchan_ring_counters counters = ring_->Counters();
  EXPECT_EQ((*reader)->sequence_base() + (*reader)->numbers_used(),
            counters.records + counters.lost);
}

INSTANTIATE_TEST_SUITE_P(All, ForgedConsumerPosTest, ::testing::ValuesIn(kForgeries),
                         [](const auto& test) {
                           std::string name = test.param.name;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

// ---- A hostile ring ------------------------------------------------------

class HostileRingTest : public RingTest {
 protected:
  // Touches each byte it is given: a span out of bounds faults.
  struct TouchingSink {
    void OnRecord(const kchan_record& record, std::span<const std::byte> payload) {
      EXPECT_EQ(record.length, payload.size());
      for (const std::byte byte : payload) sum += static_cast<uint8_t>(byte);
    }
    void OnLost(uint64_t count) { sum += count; }
    uint64_t sum = 0;
  };

  void SetRecord(uint64_t position, uint32_t length, uint64_t lost_before = 0) {
    kchan_record record = {};
    record.length = length;
    record.type = 1;
    record.lost_before = lost_before;
    std::memcpy(ring_->data() + position % kDataBytes, &record, sizeof(record));
  }
  absl::Status DrainOnce(source::RingReader& reader) {
    TouchingSink sink;
    const auto drained = reader.Drain(sink, kDataBytes);
    return drained.status();
  }
};

TEST_F(HostileRingTest, AWrongInfoPageIsRefused) {
  const kchan_info_page good = *ring_->info();
  const auto refused_with = [&](auto change) {
    *ring_->info() = good;
    change(*ring_->info());
    return TryAttach().status().code();
  };
  using absl::StatusCode;
  EXPECT_EQ(refused_with([](auto& info) { info.magic = 0; }), StatusCode::kDataLoss);
  EXPECT_EQ(refused_with([](auto& info) { info.abi_major = 2; }), StatusCode::kFailedPrecondition);
  EXPECT_EQ(refused_with([](auto& info) { info.data_bytes *= 2; }), StatusCode::kDataLoss);
  EXPECT_EQ(refused_with([](auto& info) { info.data_bytes = 0; }), StatusCode::kDataLoss);
  EXPECT_EQ(refused_with([](auto& info) { info.generation = 0; }), StatusCode::kDataLoss);
  EXPECT_EQ(refused_with([](auto& info) { info.generation += 1; }), StatusCode::kUnavailable);
  EXPECT_EQ(refused_with([](auto& info) { info.clock_id = 1; }), StatusCode::kDataLoss);
  EXPECT_EQ(refused_with([](auto& info) { info.abi_minor = 99; }), StatusCode::kOk)
      << "a newer minor only adds";
}

TEST_F(HostileRingTest, AnImpossibleProducerPositionEndsTheReader) {
  for (const uint64_t position :
       {uint64_t{4}, kDataBytes + 8, ~uint64_t{0}, ~uint64_t{7}, uint64_t{1} << 63}) {
    Make({});
    auto reader = Attach();
    __atomic_store_n(&ring_->producer()->producer_pos, position, __ATOMIC_RELEASE);
    EXPECT_EQ(DrainOnce(*reader).code(), absl::StatusCode::kDataLoss) << position;
    __atomic_store_n(&ring_->producer()->producer_pos, 0, __ATOMIC_RELEASE);
    EXPECT_EQ(DrainOnce(*reader).code(), absl::StatusCode::kDataLoss) << "it stays ended";
  }
}

TEST_F(HostileRingTest, AnImpossibleHeaderEndsTheReaderAtIt) {
  struct Case {
    const char* name;
    uint32_t length;
    uint64_t lost_before;
  };
  const Case cases[] = {
      {"runs over what is published by one byte", 64 - 32 - sizeof(kchan_record) + 1, 0},
      {"longer than any record", KCHAN_MAX_RECORD_BYTES + 1, 0},
      {"the longest number", KCHAN_RECORD_LENGTH_MASK, 0},
      {"the longest number, discarded", ~0u, 0},
      {"more losses than numbers", 8, ~0ull},
  };
  for (const Case& wrong : cases) {
    SCOPED_TRACE(wrong.name);
    Make({});
    auto reader = Attach();
    SetRecord(0, 8);
    SetRecord(32, wrong.length, wrong.lost_before);
    __atomic_store_n(&ring_->producer()->producer_pos, 64, __ATOMIC_RELEASE);
    RecordingSink sink;
    EXPECT_EQ(reader->Drain(sink, kDataBytes).status().code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(sink.records, 1u) << "what came before it is good";
    EXPECT_EQ(sink.lost, 0u);
  }
}

TEST_F(HostileRingTest, APublishedRestTooShortForAHeaderEndsTheReader) {
  auto reader = Attach();
  __atomic_store_n(&ring_->producer()->producer_pos, 16, __ATOMIC_RELEASE);
  EXPECT_EQ(DrainOnce(*reader).code(), absl::StatusCode::kDataLoss);
}

TEST_F(HostileRingTest, AVersionThatStaysOddIsUnavailable) {
  ring_->producer()->version = 1;
  EXPECT_EQ(TryAttach().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(HostileRingTest, SurvivesRandomPagesAndRandomChangesWhileReading) {
  std::mt19937_64 random(20240229);
  for (int round = 0; round < 400; ++round) {
    Make({.data_bytes = 16384});
    for (int i = 0; i < 50; ++i) Emit(std::string(random() % 200, 'r'));
    if (round % 2 == 0) {
      ring_->consumer()->consumer_pos = random() % 16384;
      ring_->consumer()->lost_seen = random();
    }
    auto reader = TryAttach();
    ASSERT_TRUE(reader.ok()) << reader.status();
    for (int i = 0; i < 20; ++i) {
      const uint64_t where = random() % (16384 / 8);
      const uint64_t what = random() >> (random() % 64);
      std::memcpy(ring_->data() + where * 8, &what, sizeof(what));
    }
    if (round % 3 == 0) {
      __atomic_store_n(&ring_->producer()->producer_pos, random() >> (random() % 64),
                       __ATOMIC_RELEASE);
    }
    const absl::Status status = DrainOnce(**reader);
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kDataLoss) << status;
    (*reader)->Release();
    (*reader)->Arm();
  }
}

}  // namespace
}  // namespace kchan::testing
