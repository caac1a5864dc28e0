// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_BENCH_REPORT_H_
#define KCHAN_CLIENTS_CLI_BENCH_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "compare.h"
#include "row.h"

namespace kchan::cli::bench {

// Where it was measured: what figures depend on.
struct Machine {
  std::string kernel;       // release
  std::string processor;    // model
  uint32_t processors = 0;  // online
  std::string clock_source;
  std::string bpf_jit;
  bool emulated = false;  // order and ratios mean little, absolute values nothing
};

Machine ThisMachine();

struct Report {
  Machine machine;
  uint32_t bytes = 0;
  double seconds = 0;
  std::vector<Row> rows;
  Comparison comparison;
};

std::string ReportText(const Report& report);
// One object on one line; the keys are those of docs/methods.md.
std::string ReportJson(const Report& report);

}  // namespace kchan::cli::bench

#endif  // KCHAN_CLIENTS_CLI_BENCH_REPORT_H_
