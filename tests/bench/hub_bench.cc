// SPDX-License-Identifier: Apache-2.0
// What one record costs in the daemon: into the log, and out of it.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "bridge/hub/log.h"

namespace kchan::hub {
namespace {

constexpr uint64_t kEpoch = 1;
constexpr int kBurst = 256;  // records between publications, as a source drains

// As much different memory to copy from as a ring has.
class Payloads {
 public:
  explicit Payloads(size_t bytes) : bytes_(bytes), memory_(kMemory + bytes) {
    std::memset(memory_.data(), 'x', memory_.size());
  }
  std::span<const std::byte> Next() {
    const std::span<const std::byte> payload(memory_.data() + at_, bytes_);
    at_ = (at_ + ((bytes_ + 31) & ~size_t{7})) % kMemory;
    return payload;
  }

 private:
  static constexpr size_t kMemory = 1 << 20;
  const size_t bytes_;
  std::vector<std::byte> memory_;
  size_t at_ = 0;
};

void SetCounters(benchmark::State& state, uint64_t records, size_t payload_bytes) {
  state.SetItemsProcessed(static_cast<int64_t>(records));
  state.SetBytesProcessed(static_cast<int64_t>(records * payload_bytes));
}

// The bound below which no append can be: copying the payload, and nothing
// else, into memory as large as the log.
void BM_Copy(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(state.range(0));
  Payloads payloads(bytes);
  std::vector<std::byte> log(LogLimits{}.max_bytes);
  std::memset(log.data(), 0, log.size());
  size_t at = 0;
  uint64_t records = 0;
  for (auto _ : state) {
    for (int i = 0; i < kBurst; ++i) {
      std::memcpy(log.data() + at, payloads.Next().data(), bytes);
      at += bytes + 32;
      if (at + bytes > log.size()) at = 0;
    }
    benchmark::ClobberMemory();
    records += kBurst;
  }
  SetCounters(state, records, bytes);
}

void BM_Append(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(state.range(0));
  Payloads payloads(bytes);
  Log log({}, std::make_shared<MemoryUse>());
  log.StartEpoch(kEpoch, 1, 1);
  uint64_t records = 0;
  for (auto _ : state) {
    for (int i = 0; i < kBurst; ++i) {
      log.Append({.boottime_ns = records, .cpu = 1, .type = 1}, payloads.Next());
    }
    log.Publish();
    records += kBurst;
  }
  SetCounters(state, records, bytes);
}

// One reader that takes every burst at once, as a live one does.
void BM_AppendAndRead(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(state.range(0));
  Payloads payloads(bytes);
  Log log({}, std::make_shared<MemoryUse>());
  log.StartEpoch(kEpoch, 1, 1);
  LogPosition position = *log.Seek(StartNow{});
  uint64_t records = 0;
  for (auto _ : state) {
    for (int i = 0; i < kBurst; ++i) {
      log.Append({.boottime_ns = records, .cpu = 1, .type = 1}, payloads.Next());
    }
    log.Publish();
    benchmark::DoNotOptimize(log.Read(position, 256 << 10));
    records += kBurst;
  }
  SetCounters(state, records, bytes);
}

std::unique_ptr<Log> FullLog(size_t bytes) {
  Payloads payloads(bytes);
  auto log = std::make_unique<Log>(LogLimits{}, std::make_shared<MemoryUse>());
  log->StartEpoch(kEpoch, 1, 1);
  const size_t records = 2 * LogLimits{}.max_bytes / bytes;
  for (size_t i = 0; i < records; ++i) {
    log->Append({.boottime_ns = i, .cpu = 1, .type = 1}, payloads.Next());
  }
  log->Publish();
  return log;
}

// Reads the history in batches of the second argument: shorter ones have to
// be cut, which walks the records' lengths.
void BM_ReadHistory(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(state.range(0));
  const auto max_bytes = static_cast<size_t>(state.range(1));
  const std::unique_ptr<Log> log = FullLog(bytes);
  const LogPosition oldest = *log->Seek(StartOldest{});
  LogPosition position = oldest;
  uint64_t records = 0;
  for (auto _ : state) {
    const LogBatch batch = log->Read(position, max_bytes);
    benchmark::DoNotOptimize(batch);
    if (batch.empty()) {
      position = oldest;
    } else {
      records += batch.last_sequence - batch.first_sequence + 1;
    }
  }
  SetCounters(state, records, bytes);
}

// A cursor somewhere in the history: what a client's reconnect costs.
void BM_SeekCursor(benchmark::State& state) {
  const std::unique_ptr<Log> log = FullLog(static_cast<size_t>(state.range(0)));
  const LogExtent extent = log->extent();
  const uint64_t kept = extent.last_sequence - extent.oldest_sequence;
  uint64_t step = 0;
  for (auto _ : state) {
    step = (step + 7919) % kept;
    benchmark::DoNotOptimize(log->Seek(StartAt{{kEpoch, extent.oldest_sequence + step}}));
  }
}

BENCHMARK(BM_Copy)->Arg(64)->Arg(128)->Arg(512)->Arg(1024)->Arg(4096);
BENCHMARK(BM_Append)->Arg(64)->Arg(128)->Arg(512)->Arg(1024)->Arg(4096);
BENCHMARK(BM_AppendAndRead)->Arg(128)->Arg(1024);
BENCHMARK(BM_ReadHistory)
    ->ArgNames({"payload", "batch"})
    ->Args({128, 256 << 10})
    ->Args({128, 64 << 10})
    ->Args({128, 4 << 10})
    ->Args({1024, 64 << 10});
BENCHMARK(BM_SeekCursor)->Arg(128);

}  // namespace
}  // namespace kchan::hub
