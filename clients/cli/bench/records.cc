// SPDX-License-Identifier: Apache-2.0
// Channels of records, from the kernel to the hub.
#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>

#include "bridge/source/ring_opener.h"
#include "methods.h"
#include "reader.h"

namespace kchan::cli::bench {
namespace {

constexpr uint64_t kPaceNs = 1'000'000;
constexpr uint64_t kMinPaced = 100;
constexpr uint64_t kMaxWindow = 20'000;
// The kernel log is short and shared with everybody.
constexpr uint64_t kLogWindow = 400;
// A frame's header; a ring's is shorter.
constexpr uint64_t kHeaderBytes = 40;
constexpr int kIdleRounds = 7;
constexpr uint64_t kOverrun = 4;

// How many records surely fit into what the channel keeps for its reader.
uint64_t WindowOf(const hub::ChannelDescription& description, uint32_t bytes) {
  if (description.transport == "log") return kLogWindow;
  uint64_t room = description.budget_bytes;
  if (description.layout == "per_cpu" || description.transport == "relay") {
    room /= std::max<size_t>(1, source::DeviceRings("").PossibleCpus().size());
  }
  const uint64_t records = std::bit_floor(room) / 2 / (kHeaderBytes + bytes + 8);
  return std::clamp<uint64_t>(records, 1, kMaxWindow);
}

// One channel under measurement.
class Measurement {
 public:
  Measurement(Bench& bench, Reader& reader, const hub::Channel& channel)
      : bench_(bench),
        reader_(reader),
        channel_(channel.name()),
        window_(WindowOf(*channel.snapshot().description, bench.options.bytes)) {}

  absl::Status Paced(Row& row);
  absl::Status Windows(Row& row);
  absl::Status FlatOut(Row& row);
  absl::Status Idle(Row& row);

 private:
  Run MakeRun(uint64_t records) const {
    return {.channel = channel_,
            .records = records,
            .bytes = bench_.options.bytes,
            .batch = static_cast<uint32_t>(std::min<uint64_t>(records, 1000))};
  }
  // Runs, reads all of it, and closes the account.
  absl::StatusOr<BenchResult> RunAndRead(const Run& run, Account& account) {
    auto result = bench_.control.Execute(run);
    if (!result.ok()) return result.status();
    Tally tally;
    if (absl::Status status = Read(*result, tally, account); !status.ok()) return status;
    return result;
  }
  absl::Status Read(const BenchResult& result, Tally& tally, Account& account) {
    absl::Status status = reader_.ReadUntil(result.produced(), false, tally);
    Book(result, tally, account);
    return status;
  }
  static void Book(const BenchResult& result, const Tally& tally, Account& account) {
    account.produced += result.produced();
    account.received += tally.received;
    account.lost += tally.lost;
  }

  Bench& bench_;
  Reader& reader_;
  const std::string channel_;
  const uint64_t window_;
};

// How long one record is on its way when the next is far.
absl::Status Measurement::Paced(Row& row) {
  const auto wanted = static_cast<uint64_t>(bench_.options.seconds / 2 * 1e9 / kPaceNs);
  Run run = MakeRun(std::max(kMinPaced, wanted));
  run.batch = 1;
  run.pace_ns = kPaceNs;
  if (absl::Status status = bench_.control.Start(run); !status.ok()) return status;
  // All of them are numbered, whether they come or not.
  Tally tally;
  if (absl::Status status = reader_.ReadUntil(run.records, true, tally); !status.ok()) {
    return status;
  }
  const auto result = bench_.control.Wait();
  if (!result.ok()) return result.status();
  Book(*result, tally, row.paced);
  row.p50_ns = Quantile(tally.latencies_ns, 0.5);
  row.p99_ns = Quantile(tally.latencies_ns, 0.99);
  return absl::OkStatus();
}

// How many come through in a second if nothing may be lost: as many as fit at
// once, then the next when all have been read.
absl::Status Measurement::Windows(Row& row) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  double elapsed = 0;
  do {
    auto result = RunAndRead(MakeRun(window_), row.windows);
    if (!result.ok()) return result.status();
    elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  } while (elapsed < bench_.options.seconds / 2);
  row.records_per_second = static_cast<double>(row.windows.received) / elapsed;
  row.bytes_per_second = row.records_per_second * bench_.options.bytes;
  return absl::OkStatus();
}

// More than fits, without a pause: what is lost is counted to the last one.
absl::Status Measurement::FlatOut(Row& row) {
  auto result = RunAndRead(MakeRun(kOverrun * window_), row.flat_out);
  if (!result.ok()) return result.status();
  row.kernel_ns_read =
      static_cast<double>(result->emit_ns) / static_cast<double>(result->produced());
  return absl::OkStatus();
}

// What the call costs while nobody is woken: the reader has let go, the channel
// keeps what it is given.
absl::Status Measurement::Idle(Row& row) {
  std::vector<double> costs;
  for (int round = 0; round < kIdleRounds; ++round) {
    if (absl::Status status = reader_.Pause(); !status.ok()) return status;
    auto result = bench_.control.Execute(MakeRun(window_));
    if (!result.ok()) return result.status();
    costs.push_back(static_cast<double>(result->emit_ns) / static_cast<double>(result->produced()));
    if (absl::Status status = reader_.Resume(); !status.ok()) return status;
    Tally tally;
    if (absl::Status status = Read(*result, tally, row.windows); !status.ok()) return status;
  }
  // What else the processor did only added.
  row.kernel_ns = *std::min_element(costs.begin(), costs.end());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Row> MeasureRecords(Bench& bench, const std::string& name) {
  auto channel = bench.node.Find(name);
  if (!channel.ok()) return channel.status();
  auto reader = Reader::Open(bench.node, *channel);
  if (!reader.ok()) return reader.status();
  Row row = Describe(**channel, "to user");
  Measurement measurement(bench, **reader, **channel);
  for (const auto step :
       {&Measurement::Paced, &Measurement::Windows, &Measurement::FlatOut, &Measurement::Idle}) {
    if (absl::Status status = (measurement.*step)(row); !status.ok()) return status;
  }
  return row;
}

}  // namespace kchan::cli::bench
