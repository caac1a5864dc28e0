// SPDX-License-Identifier: Apache-2.0
// The stepped build with writers that give up their CPU before every shared
// access: each is stopped everywhere, while others write and a reader reads.
#include <sched.h>

#include <atomic>
#include <map>
#include <thread>

#include "tests/unit/ring/payload.h"
#include "tests/unit/ring/ring_fixture.h"

namespace kchan::testing {
namespace {

constexpr uint32_t kWriters = 3;
constexpr uint64_t kAttempts = 1500;
constexpr uint32_t kPayloadBytes = 40;

struct WholeRecordsSink {
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

void GiveUpCpu() { sched_yield(); }

class RingPreemptionTest : public RingTest {};

TEST_F(RingPreemptionTest, SharedWritersStoppedAnywhereKeepOneTotalOrder) {
  Make({.data_bytes = 16384, .cpu = KCHAN_CPU_SHARED, .max_payload_bytes = kPayloadBytes});
  std::atomic<uint32_t> writing{kWriters};
  std::vector<std::thread> writers;
  for (uint32_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([this, writer, &writing] {
      kchan_port_cpu = static_cast<int>(writer);
      kchan_port_step = GiveUpCpu;
      std::byte payload[kPayloadBytes];
      for (uint64_t attempt = 0; attempt < kAttempts; ++attempt) {
        WritePayload({.attempt = attempt, .writer = writer, .bytes = kPayloadBytes}, payload);
        kchan_ring_emit_shared(ring_->core(), 1, 0, payload, kPayloadBytes);
      }
      --writing;
    });
  }
  auto reader = Attach();
  WholeRecordsSink sink;
  for (bool more = true; more && !HasFailure();) {
    more = writing.load() > 0;
    const auto drained = reader->Drain(sink, 4096);
    EXPECT_TRUE(drained.ok()) << drained.status();
    reader->Release();
    more = more || (drained.ok() && *drained > 0);
    sched_yield();
  }
  for (std::thread& writer : writers) writer.join();
  ASSERT_TRUE(reader->ReportTailLoss(sink).ok());
  EXPECT_EQ(sink.records + sink.lost, kWriters * kAttempts);
  EXPECT_GT(sink.records, kAttempts) << "too few stored to prove anything";
  ExpectCountersAddUp(kWriters * kAttempts, 0);
}

}  // namespace
}  // namespace kchan::testing
