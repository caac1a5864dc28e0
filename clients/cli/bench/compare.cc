// SPDX-License-Identifier: Apache-2.0
#include "compare.h"

#include <linux/kchan.h>
#include <sched.h>

#include <cerrno>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bpf.h"
#include "bridge/source/kernel_ring.h"
#include "bridge/source/ring_reader.h"

namespace kchan::cli::bench {
namespace {

// Short batches, and many: what else the processor does only adds. So the cost
// is what a tenth of the batches stayed below.
constexpr int kRounds = 200;
constexpr double kUndisturbed = 0.1;
constexpr uint32_t kRuns = 64;  // of the BPF program
constexpr uint32_t kRecords = kRuns * BpfRing::kRecordsInRun;

// Binds the thread to one CPU for as long as it lives.
class Bound {
 public:
  explicit Bound(uint32_t cpu) {
    sched_getaffinity(0, sizeof(before_), &before_);
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    ok_ = sched_setaffinity(0, sizeof(only), &only) == 0;
  }
  ~Bound() { sched_setaffinity(0, sizeof(before_), &before_); }
  Bound(const Bound&) = delete;
  Bound& operator=(const Bound&) = delete;
  bool ok() const { return ok_; }

 private:
  cpu_set_t before_;
  bool ok_;
};

// A reader that never asks to be woken, and empties the ring between batches.
class QuietRing {
 public:
  static absl::StatusOr<QuietRing> Attach(Bench& bench, const std::string& channel, uint32_t cpu) {
    auto found = bench.node.Find(channel);
    if (!found.ok()) return found.status();
    absl::Status idle = AwaitState(bench.node.hub(), **found, hub::ChannelState::kIdle);
    if (!idle.ok()) return idle;
    auto ring = source::KernelRing::Open(source::kDevicePath, channel, cpu);
    if (!ring.ok()) return ring.status();
    auto reader = source::RingReader::Attach(*std::move(ring), channel);
    if (!reader.ok()) return reader.status();
    return QuietRing(channel, *std::move(reader));
  }

  // Nanoseconds for a record of one batch.
  absl::StatusOr<double> Batch(Bench& bench) {
    const auto result = bench.control.Execute({.channel = channel_,
                                               .records = kRecords,
                                               .bytes = BpfRing::kPayloadBytes,
                                               .batch = kRecords});
    if (!result.ok()) return result.status();
    if (absl::Status status = Empty(); !status.ok()) return status;
    if (result->emitted != kRecords || records_ != kRecords) {
      return absl::DataLossError(
          absl::StrCat(channel_, ": of ", kRecords, " records ", records_, " were stored"));
    }
    return static_cast<double>(result->emit_ns) / kRecords;
  }

  // RingSink.
  void OnRecord(const kchan_record&, std::span<const std::byte>) { ++records_; }
  void OnLost(uint64_t) {}

 private:
  QuietRing(std::string channel, std::unique_ptr<source::RingReader> reader)
      : channel_(std::move(channel)), reader_(std::move(reader)) {}

  absl::Status Empty() {
    records_ = 0;
    while (true) {
      const auto walked = reader_->Drain(*this, 1 << 20);
      if (!walked.ok()) return walked.status();
      reader_->Release();
      if (*walked == 0) return absl::OkStatus();
    }
  }

  std::string channel_;
  std::unique_ptr<source::RingReader> reader_;
  uint64_t records_ = 0;
};

absl::StatusOr<double> RelayBatch(Bench& bench) {
  const auto result = bench.control.Execute({.channel = "raw.relay",
                                             .records = kRecords,
                                             .bytes = BpfRing::kPayloadBytes,
                                             .batch = kRecords});
  if (!result.ok()) return result.status();
  return static_cast<double>(result->emit_ns) / kRecords;
}

// The three programs, or why there are none.
struct BpfSide {
  std::unique_ptr<BpfRing> empty, per_cpu, shared;
};

absl::StatusOr<BpfSide> LoadBpf(uint32_t cpu) {
  BpfSide side;
  for (auto [kind, ring] : {std::pair(BpfRing::Kind::kEmpty, &side.empty),
                            std::pair(BpfRing::Kind::kPerCpu, &side.per_cpu),
                            std::pair(BpfRing::Kind::kShared, &side.shared)}) {
    auto loaded = BpfRing::Load(kind, cpu);
    if (!loaded.ok()) return loaded.status();
    *ring = *std::move(loaded);
  }
  return side;
}

absl::StatusOr<double> BpfBatch(BpfRing& ring) {
  const auto ns = ring.RunTimes(kRuns);
  if (!ns.ok()) return ns.status();
  return static_cast<double>(*ns) / kRecords;
}

// All ways, as one round measures them.
struct Rounds {
  std::vector<double> per_cpu, shared, relay, bpf_empty, bpf_per_cpu, bpf_shared;
};

absl::Status Keep(absl::StatusOr<double> cost, std::vector<double>& costs) {
  if (cost.ok()) costs.push_back(*cost);
  return cost.status();
}

Comparison Summary(const Rounds& rounds) {
  Comparison result;
  result.kchan_per_cpu_ns = Quantile(rounds.per_cpu, kUndisturbed);
  result.kchan_shared_ns = Quantile(rounds.shared, kUndisturbed);
  result.relay_ns = Quantile(rounds.relay, kUndisturbed);
  result.bpf_empty_ns = Quantile(rounds.bpf_empty, kUndisturbed);
  result.bpf_per_cpu_raw_ns = Quantile(rounds.bpf_per_cpu, kUndisturbed);
  result.bpf_shared_raw_ns = Quantile(rounds.bpf_shared, kUndisturbed);
  if (!rounds.bpf_empty.empty()) {
    result.bpf_per_cpu_ns = result.bpf_per_cpu_raw_ns - result.bpf_empty_ns;
    result.bpf_shared_ns = result.bpf_shared_raw_ns - result.bpf_empty_ns;
  }
  return result;
}

absl::Status OneRound(Bench& bench, QuietRing& per_cpu, QuietRing& shared, BpfSide* bpf,
                      Rounds& rounds) {
  absl::Status status = Keep(per_cpu.Batch(bench), rounds.per_cpu);
  if (status.ok() && bpf != nullptr) status = Keep(BpfBatch(*bpf->per_cpu), rounds.bpf_per_cpu);
  if (status.ok()) status = Keep(shared.Batch(bench), rounds.shared);
  if (status.ok() && bpf != nullptr) status = Keep(BpfBatch(*bpf->shared), rounds.bpf_shared);
  if (status.ok() && bpf != nullptr) status = Keep(BpfBatch(*bpf->empty), rounds.bpf_empty);
  if (status.ok()) {
    // Without debugfs there is no relay; that is told by its 0.
    const auto relay = RelayBatch(bench);
    if (relay.ok()) rounds.relay.push_back(*relay);
  }
  return status;
}

}  // namespace

absl::StatusOr<Comparison> Compare(Bench& bench) {
  const Bound bound(bench.control.cpu());
  if (!bound.ok()) return absl::ErrnoToStatus(errno, "this thread cannot be bound to a CPU");
  auto per_cpu = QuietRing::Attach(bench, "bench.ring", bench.control.cpu());
  if (!per_cpu.ok()) return per_cpu.status();
  auto shared = QuietRing::Attach(bench, "bench.ring.spinlock", KCHAN_CPU_SHARED);
  if (!shared.ok()) return shared.status();
  auto bpf = LoadBpf(bench.control.cpu());
  Rounds rounds;
  for (int round = 0; round < kRounds; ++round) {
    absl::Status status = OneRound(bench, *per_cpu, *shared, bpf.ok() ? &*bpf : nullptr, rounds);
    if (!status.ok()) return status;
  }
  Comparison result = Summary(rounds);
  if (!bpf.ok()) result.bpf_reason = std::string(bpf.status().message());
  return result;
}

}  // namespace kchan::cli::bench
