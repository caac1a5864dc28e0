// SPDX-License-Identifier: Apache-2.0
// What a record costs at each end of a ring, in user space, with nobody to
// wake. BM_Clock is the part of an emit that reads the clock.
#include <benchmark/benchmark.h>

#include <vector>

#include "bridge/source/ring_reader.h"
#include "ring.h"
#include "tests/unit/ring/user_ring.h"

namespace kchan::testing {
namespace {

constexpr uint64_t kDataBytes = 1 << 20;

// Makes room as a reader would, far less often than there are records.
void FreeWhenHalfFull(UserRing& ring, uint64_t bytes_per_record, uint64_t& since) {
  since += bytes_per_record;
  if (since < kDataBytes / 2) return;
  since = 0;
  __atomic_store_n(&ring.consumer()->consumer_pos, ring.producer()->producer_pos, __ATOMIC_RELEASE);
}

void SetRates(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void BM_Clock(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(kchan_port_boottime_ns());
}
BENCHMARK(BM_Clock);

void BM_Emit(benchmark::State& state) {
  auto ring = UserRing::Create({.data_bytes = kDataBytes});
  const std::vector<std::byte> payload(state.range(0));
  uint64_t since = 0;
  for (auto _ : state) {
    kchan_ring_emit(ring->core(), 1, payload.data(), static_cast<u32>(payload.size()));
    FreeWhenHalfFull(*ring, KCHAN_RING_RECORD_BYTES(payload.size()), since);
  }
  if (ring->Counters().lost != 0) state.SkipWithError("records were lost");
  SetRates(state);
}
BENCHMARK(BM_Emit)->Arg(64)->Arg(128)->Arg(1024);

void BM_ReserveCommit(benchmark::State& state) {
  auto ring = UserRing::Create({.data_bytes = kDataBytes});
  const auto length = static_cast<u32>(state.range(0));
  uint64_t since = 0;
  for (auto _ : state) {
    kchan_record* record = kchan_ring_reserve(ring->core(), 1, length);
    std::memset(record + 1, 0x5a, length);
    kchan_ring_commit(ring->core(), record);
    FreeWhenHalfFull(*ring, KCHAN_RING_RECORD_BYTES(length), since);
  }
  if (ring->Counters().lost != 0) state.SkipWithError("records were lost");
  SetRates(state);
}
BENCHMARK(BM_ReserveCommit)->Arg(64);

void BM_EmitShared(benchmark::State& state) {
  auto ring = UserRing::Create({.data_bytes = kDataBytes, .cpu = KCHAN_CPU_SHARED});
  const std::vector<std::byte> payload(state.range(0));
  uint64_t since = 0;
  for (auto _ : state) {
    kchan_ring_emit_shared(ring->core(), 1, 0, payload.data(), static_cast<u32>(payload.size()));
    FreeWhenHalfFull(*ring, KCHAN_RING_RECORD_BYTES(payload.size()), since);
  }
  if (ring->Counters().lost != 0) state.SkipWithError("records were lost");
  SetRates(state);
}
BENCHMARK(BM_EmitShared)->Arg(64);

// The cost of a record that finds the ring full and its reader asleep.
void BM_EmitLost(benchmark::State& state) {
  auto ring = UserRing::Create({.data_bytes = kDataBytes});
  const std::vector<std::byte> payload(kDataBytes);
  while (kchan_ring_emit(ring->core(), 1, payload.data(), 64) == 0) {
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(kchan_ring_emit(ring->core(), 1, payload.data(), 64));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_EmitLost);

// Copies as a source does, into one place.
struct CopyingSink {
  void OnRecord(const kchan_record&, std::span<const std::byte> payload) {
    std::memcpy(copy.data(), payload.data(), payload.size());
    benchmark::ClobberMemory();
  }
  void OnLost(uint64_t) {}
  std::vector<std::byte> copy = std::vector<std::byte>(4096);
};

// One full ring drained and filled again; the filling is not timed.
void BM_Drain(benchmark::State& state) {
  auto ring = UserRing::Create({.data_bytes = kDataBytes});
  auto reader = *source::RingReader::Attach(ring->Map(), "ring bench");
  const std::vector<std::byte> payload(state.range(0));
  const uint64_t records = kDataBytes / KCHAN_RING_RECORD_BYTES(payload.size());
  CopyingSink sink;
  for (auto _ : state) {
    state.PauseTiming();
    for (uint64_t i = 0; i < records; ++i) {
      kchan_ring_emit(ring->core(), 1, payload.data(), static_cast<u32>(payload.size()));
    }
    state.ResumeTiming();
    if (!reader->Drain(sink, kDataBytes).ok()) return state.SkipWithError("the ring is broken");
    reader->Release();
  }
  if (reader->numbers_used() != records * static_cast<uint64_t>(state.iterations())) {
    state.SkipWithError("records are missing");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(records));
  state.SetBytesProcessed(state.items_processed() * state.range(0));
}
BENCHMARK(BM_Drain)->Arg(64)->Arg(128)->Arg(1024);

}  // namespace
}  // namespace kchan::testing
