// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_BENCH_METHODS_H_
#define KCHAN_CLIENTS_CLI_BENCH_METHODS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "control.h"
#include "node.h"
#include "row.h"

namespace kchan::cli::bench {

struct Options {
  double seconds = 2;   // of each method and direction, about
  uint32_t bytes = 64;  // of a payload
};

// What one method is measured with.
struct Bench {
  Node& node;
  Control& control;
  const Options& options;
};

// Each measures one channel in one direction. A status is an account that does
// not close, or something that broke; what this kernel cannot do is a row with
// a reason.
absl::StatusOr<Row> MeasureRecords(Bench& bench, const std::string& channel);  // records.cc
absl::StatusOr<Row> MeasureSends(Bench& bench, const std::string& channel);    // sends.cc
absl::StatusOr<Row> MeasureValues(Bench& bench, const std::string& channel);   // values.cc
absl::StatusOr<Row> MeasureChanges(Bench& bench, const std::string& channel);
absl::StatusOr<Row> MeasureBlockReads(Bench& bench, const std::string& channel);  // blocks.cc
absl::StatusOr<Row> MeasureBlockWrites(Bench& bench, const std::string& channel);

// All channels of kchan_bench, in every direction that they have.
absl::StatusOr<std::vector<Row>> MeasureMethods(Bench& bench);

// What a channel says of itself.
Row Describe(const hub::Channel& channel, const std::string& direction);

// Calls `call` for about `seconds`, at least 20 times; its rate and how long
// each took go to the row, whose account counts the calls. `bytes` is what one
// moves.
absl::Status TimeCalls(double seconds, uint64_t bytes, Row& row,
                       const std::function<absl::Status(uint64_t index)>& call);

}  // namespace kchan::cli::bench

#endif  // KCHAN_CLIENTS_CLI_BENCH_METHODS_H_
