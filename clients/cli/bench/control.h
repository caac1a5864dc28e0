// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_BENCH_CONTROL_H_
#define KCHAN_CLIENTS_CLI_BENCH_CONTROL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "node.h"
#include "reader.h"

namespace kchan::cli::bench {

// struct bench_sample, _run and _result of kmod/bench/bench.h. Control::Open()
// compares the sizes with what the module's schema says.
struct BenchSample {
  uint64_t count;
  uint64_t boottime_ns;
};
struct BenchRun {
  uint64_t id;
  uint64_t records;
  uint64_t pace_ns;
  uint32_t bytes;
  uint32_t batch;
  uint32_t cpu;
  uint32_t cpus;
  char channel[64];
};
struct BenchResult {
  uint64_t id;
  uint64_t emitted;
  uint64_t refused;
  uint64_t absent;
  uint64_t emit_ns;
  uint64_t start_ns;
  uint64_t end_ns;
  uint64_t stopped;

  uint64_t produced() const { return emitted + refused; }
};

// What one run writes.
struct Run {
  std::string channel;
  uint64_t records = 0;
  uint32_t bytes = 64;
  uint32_t batch = 1000;
  uint64_t pace_ns = 0;
};

// The channel bench.control: has kchan_bench.ko write records.
//
// Thread safety: none.
class Control {
 public:
  // The runs' writer is on `cpu`.
  static absl::StatusOr<std::unique_ptr<Control>> Open(Node& node, uint32_t cpu);

  uint32_t cpu() const { return cpu_; }

  // Starts a run; Wait() returns its result, which comes when it has ended.
  absl::Status Start(const Run& run);
  absl::StatusOr<BenchResult> Wait();
  absl::StatusOr<BenchResult> Execute(const Run& run);

 private:
  Control(Node& node, uint32_t cpu, std::unique_ptr<Reader> results)
      : node_(node), cpu_(cpu), results_(std::move(results)) {}

  Node& node_;
  const uint32_t cpu_;
  const std::unique_ptr<Reader> results_;
  uint64_t last_id_ = 0;
};

}  // namespace kchan::cli::bench

#endif  // KCHAN_CLIENTS_CLI_BENCH_CONTROL_H_
