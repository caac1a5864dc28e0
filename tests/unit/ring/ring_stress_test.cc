// SPDX-License-Identifier: Apache-2.0
// Writers and a reader at once: wake-ups, losses, and readers that are killed.
#include <atomic>
#include <latch>
#include <map>
#include <random>
#include <thread>

#include "tests/unit/ring/payload.h"
#include "tests/unit/ring/ring_fixture.h"

namespace kchan::testing {
namespace {

constexpr size_t kMaxPayloadBytes = 120;

PayloadHead HeadOf(uint32_t writer, uint64_t attempt) {
  const uint64_t spread = kMaxPayloadBytes - kMinPayloadBytes;
  return {
      .attempt = attempt,
      .writer = writer,
      .bytes = static_cast<uint32_t>(kMinPayloadBytes + attempt * 13 % spread),
  };
}

// Keeps, for each writer, how far its attempts have come.
struct OrderSink {
  void OnRecord(const kchan_record&, std::span<const std::byte> payload) {
    PayloadHead head;
    ASSERT_TRUE(ReadPayload(payload, &head)) << "torn";
    ASSERT_GE(head.attempt, next_attempt[head.writer]);
    next_attempt[head.writer] = head.attempt + 1;
    ++records;
  }
  void OnLost(uint64_t count) { lost += count; }

  std::map<uint32_t, uint64_t> next_attempt;
  uint64_t records = 0;
  uint64_t lost = 0;
};

class RingStressTest : public RingTest {
 protected:
  // One round as a source drives it. False once nothing can follow.
  template <typename Sink>
  bool Round(source::RingReader& reader, Sink& sink) {
    const bool dead = reader.dead();
    const auto drained = reader.Drain(sink, ring_->data_bytes() / 4);
    EXPECT_TRUE(drained.ok()) << drained.status();
    if (!drained.ok()) return false;
    if (*drained == 0) {
      EXPECT_TRUE(reader.ReportTailLoss(sink).ok());
    }
    reader.Release();
    if (*drained == 0 && dead) return false;
    if (*drained > 0 || reader.Arm()) return true;
    // Sleeps for good if a wake-up can be lost: the deadline is the test's.
    EXPECT_TRUE(ring_->WaitForWake(20000)) << "slept through a wake-up";
    ring_->ClearWake();
    return !HasFailure();
  }
};

// The ring is large enough and the writer waits for the reader now and then, so
// that both sides go to the edge of sleep many times.
TEST_F(RingStressTest, NoWakeUpIsLost) {
  constexpr uint64_t kAttempts = 200000;
  std::atomic<uint64_t> seen{0};
  std::thread writer([this, &seen] {
    std::byte payload[kMaxPayloadBytes];
    for (uint64_t attempt = 0; attempt < kAttempts; ++attempt) {
      const PayloadHead head = HeadOf(0, attempt);
      WritePayload(head, payload);
      ASSERT_EQ(kchan_ring_emit(ring_->core(), 1, payload, head.bytes), 0);
      // Now and then, be sure that it was read before going on.
      while (attempt % 8 == 7 && seen.load(std::memory_order_acquire) <= attempt) sched_yield();
    }
    ring_->MarkDead();
  });
  auto reader = Attach();
  OrderSink sink;
  while (Round(*reader, sink)) seen.store(sink.records, std::memory_order_release);
  seen.store(~0ull, std::memory_order_release);
  writer.join();
  EXPECT_EQ(sink.records, kAttempts);
  EXPECT_EQ(sink.lost, 0u);
}

TEST_F(RingStressTest, AWriterThatNeverWaitsLosesExactlyWhatIsReported) {
  constexpr uint64_t kAttempts = 400000;
  Make({.data_bytes = 16384, .max_payload_bytes = kMaxPayloadBytes});
  std::thread writer([this] {
    std::byte payload[kMaxPayloadBytes];
    for (uint64_t attempt = 0; attempt < kAttempts; ++attempt) {
      const PayloadHead head = HeadOf(0, attempt);
      WritePayload(head, payload);
      kchan_ring_emit(ring_->core(), 1, payload, head.bytes);
    }
    ring_->MarkDead();
  });
  auto reader = Attach();
  OrderSink sink;
  while (Round(*reader, sink)) {
  }
  writer.join();
  EXPECT_EQ(sink.records + sink.lost, kAttempts);
  EXPECT_EQ(reader->numbers_used(), kAttempts);
  ExpectCountersAddUp(kAttempts, 0);
}

TEST_F(RingStressTest, WritersOnAllCpusShareOneTotalOrder) {
  constexpr uint64_t kAttempts = 60000;
  constexpr uint32_t kWriters = 4;
  Make({.data_bytes = 32768, .cpu = KCHAN_CPU_SHARED, .max_payload_bytes = kMaxPayloadBytes});
  std::vector<std::thread> writers;
  std::latch all_here(kWriters);
  for (uint32_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([this, writer, &all_here] {
      kchan_port_cpu = static_cast<int>(writer);
      kchan_port_nmi = writer == 3;  // one that may not wait
      std::byte payload[kMaxPayloadBytes];
      all_here.arrive_and_wait();
      for (uint64_t attempt = 0; attempt < kAttempts; ++attempt) {
        const PayloadHead head = HeadOf(writer, attempt);
        WritePayload(head, payload);
        const int result = kchan_ring_emit_shared(ring_->core(), 1, 0, payload, head.bytes);
        // Let the reader on, or most of the test would be one full ring.
        if (result == -ENOBUFS) sched_yield();
      }
    });
  }
  std::thread end([this, &writers] {
    for (std::thread& writer : writers) writer.join();
    ring_->MarkDead();
  });
  auto reader = Attach();
  OrderSink sink;
  while (Round(*reader, sink)) {
  }
  end.join();
  EXPECT_EQ(sink.records + sink.lost, kWriters * kAttempts);
  EXPECT_EQ(reader->numbers_used(), kWriters * kAttempts);
  ExpectCountersAddUp(kWriters * kAttempts, 0);
}

// What subscribers saw: appended after Release() only, under absolute numbers.
struct Published {
  uint64_t last_number = 0;  // of the ring
  uint64_t gaps = 0;         // numbers that died with a reader
  OrderSink all;
};

// Holds a round's records back until they may be published.
struct PendingSink {
  void OnRecord(const kchan_record&, std::span<const std::byte> payload) {
    records.emplace_back(payload.begin(), payload.end());
  }
  void OnLost(uint64_t count) { lost += count; }
  std::vector<std::vector<std::byte>> records;
  uint64_t lost = 0;
};

TEST_F(RingStressTest, KilledReadersLeaveGapsButNeverDuplicates) {
  constexpr uint64_t kAttempts = 300000;
  Make({.data_bytes = 16384, .max_payload_bytes = kMaxPayloadBytes});
  std::thread writer([this] {
    std::byte payload[kMaxPayloadBytes];
    for (uint64_t attempt = 0; attempt < kAttempts; ++attempt) {
      const PayloadHead head = HeadOf(0, attempt);
      WritePayload(head, payload);
      kchan_ring_emit(ring_->core(), 1, payload, head.bytes);
      if (attempt % 64 == 0) sched_yield();
    }
    ring_->MarkDead();
  });

  std::mt19937 random(7);
  Published published;
  int kills = 0;
  for (bool more = true; more;) {
    auto reader = Attach();
    // Numbers that the reader before this one used and did not publish.
    ASSERT_GE(reader->sequence_base(), published.last_number) << "a number is given twice";
    published.gaps += reader->sequence_base() - published.last_number;
    published.last_number = reader->sequence_base();

    const uint32_t rounds = random() % 40;
    for (uint32_t round = 0; more; ++round) {
      const bool dead = reader->dead();
      PendingSink pending;
      const auto drained = reader->Drain(pending, random() % 8192);
      ASSERT_TRUE(drained.ok()) << drained.status();
      if (*drained == 0) {
        ASSERT_TRUE(reader->ReportTailLoss(pending).ok());
      }
      if (round == rounds && random() % 2 == 0) break;  // killed before Release()
      reader->Release();
      if (round == rounds && !dead) break;  // killed before it was published
      for (const auto& record : pending.records) published.all.OnRecord({}, record);
      published.all.OnLost(pending.lost);
      published.last_number += pending.records.size() + pending.lost;
      more = !(dead && *drained == 0);
    }
    ++kills;
  }
  writer.join();
  EXPECT_GT(kills, 3);
  EXPECT_EQ(published.last_number, kAttempts);
  EXPECT_EQ(published.all.records + published.all.lost + published.gaps, kAttempts);
}

}  // namespace
}  // namespace kchan::testing
