// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_BENCH_COMPARE_H_
#define KCHAN_CLIENTS_CLI_BENCH_COMPARE_H_

#include <string>

#include "absl/status/statusor.h"
#include "methods.h"

namespace kchan::cli::bench {

// What one record of 64 bytes costs the kernel, each way in turn on the same
// CPU, nobody woken, in nanoseconds. 0: not measured.
struct Comparison {
  double kchan_per_cpu_ns = 0;
  double kchan_shared_ns = 0;
  double bpf_per_cpu_ns = 0;  // its time stamp included, runs' cost taken off
  double bpf_shared_ns = 0;
  double bpf_per_cpu_raw_ns = 0;  // nothing taken off
  double bpf_shared_raw_ns = 0;
  double bpf_empty_ns = 0;  // a run of a program that does nothing, per record
  double relay_ns = 0;      // relay_write(), without kchan
  std::string bpf_reason;   // why BPF was not measured
};

// Attaches to the rings itself: measure all methods before.
absl::StatusOr<Comparison> Compare(Bench& bench);

}  // namespace kchan::cli::bench

#endif  // KCHAN_CLIENTS_CLI_BENCH_COMPARE_H_
