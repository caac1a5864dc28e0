// SPDX-License-Identifier: Apache-2.0
// What reading one batch of 256 KiB costs a client: the in-place view against
// protobuf with and without an arena. Time is per batch; the counters say what
// that is for one record.
#include <benchmark/benchmark.h>
#include <google/protobuf/arena.h>

#include <string>

#include "kchan/batch.h"

namespace kchan {
namespace {

constexpr size_t kBatchBytes = 256 << 10;

std::string Encode(size_t payload_bytes) {
  v1::Batch batch;
  batch.set_channel("tick");
  batch.set_epoch(1);
  batch.set_first_sequence(1);
  const std::string payload(payload_bytes, 'x');
  uint64_t sequence = 0;
  while (sequence * payload_bytes < kBatchBytes) {
    v1::Record& record = *batch.add_records();
    record.set_sequence(++sequence);
    record.set_boottime_ns(1'000'000'000 + sequence);
    record.set_cpu(1);
    record.set_type(1);
    record.set_payload(payload);
  }
  batch.set_last_sequence(sequence);
  return batch.SerializeAsString();
}

void Report(benchmark::State& state, size_t bytes, uint64_t records) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
  state.counters["per_record"] = benchmark::Counter(
      static_cast<double>(records), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void InPlace(benchmark::State& state) {
  const std::string bytes = Encode(state.range(0));
  BatchView batch;
  uint64_t records = 0;
  for (auto _ : state) {
    if (!batch.Parse(bytes).ok()) state.SkipWithError("refused");
    for (const RecordView& record : batch.records()) {
      benchmark::DoNotOptimize(record.sequence + record.payload.size());
    }
    records += batch.records().size();
  }
  Report(state, bytes.size(), records);
}

void Protobuf(benchmark::State& state) {
  const std::string bytes = Encode(state.range(0));
  v1::Batch batch;
  uint64_t records = 0;
  for (auto _ : state) {
    if (!batch.ParseFromString(bytes)) state.SkipWithError("refused");
    for (const v1::Record& record : batch.records()) {
      benchmark::DoNotOptimize(record.sequence() + record.payload().size());
    }
    records += batch.records_size();
  }
  Report(state, bytes.size(), records);
}

void ProtobufArena(benchmark::State& state) {
  const std::string bytes = Encode(state.range(0));
  uint64_t records = 0;
  for (auto _ : state) {
    google::protobuf::Arena arena;
    auto* batch = google::protobuf::Arena::CreateMessage<v1::Batch>(&arena);
    if (!batch->ParseFromString(bytes)) state.SkipWithError("refused");
    for (const v1::Record& record : batch->records()) {
      benchmark::DoNotOptimize(record.sequence() + record.payload().size());
    }
    records += batch->records_size();
  }
  Report(state, bytes.size(), records);
}

BENCHMARK(InPlace)->Arg(32)->Arg(128)->Arg(1024);
BENCHMARK(Protobuf)->Arg(32)->Arg(128)->Arg(1024);
BENCHMARK(ProtobufArena)->Arg(32)->Arg(128)->Arg(1024);

}  // namespace
}  // namespace kchan
