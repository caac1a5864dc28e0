// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_BENCH_BPF_H_
#define KCHAN_CLIENTS_CLI_BENCH_BPF_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "bridge/source/unique_fd.h"

namespace kchan::cli::bench {

// A BPF program that writes records of 64 bytes, each with its boottime, into
// BPF ring buffers without waking anybody, 16 in each run; and the ring buffer
// of the CPU that it runs on. Loaded by bpf(2) itself.
//
// Thread safety: one thread, bound to one CPU.
class BpfRing {
 public:
  enum class Kind : uint8_t {
    kEmpty,   // does nothing: what a run itself costs
    kShared,  // one ring buffer
    kPerCpu,  // each CPU's own, looked up for each record
  };

  static constexpr uint32_t kRecordsInRun = 16;
  static constexpr uint32_t kPayloadBytes = 64;

  // `cpu` is the one that runs are on. What bpf(2) says.
  static absl::StatusOr<std::unique_ptr<BpfRing>> Load(Kind kind, uint32_t cpu);
  ~BpfRing();

  // Runs the program so often, and frees what it has written. Returns the
  // nanoseconds of all runs, as the kernel counts them. DATA_LOSS: not all was
  // stored.
  absl::StatusOr<uint64_t> RunTimes(uint32_t runs);

 private:
  explicit BpfRing(Kind kind) : kind_(kind) {}
  absl::Status MakeRings(uint32_t cpu);
  absl::Status Map();
  absl::Status LoadProgram();

  const Kind kind_;
  source::UniqueFd ring_;
  source::UniqueFd rings_;  // kPerCpu: all of them, by CPU
  source::UniqueFd program_;
  void* consumer_ = nullptr;  // the page with consumer_pos
  void* producer_ = nullptr;  // the page with producer_pos
};

}  // namespace kchan::cli::bench

#endif  // KCHAN_CLIENTS_CLI_BENCH_BPF_H_
