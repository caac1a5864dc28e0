// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_BENCH_ROW_H_
#define KCHAN_CLIENTS_CLI_BENCH_ROW_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kchan::cli::bench {

// What became of the records of one part of a measurement: received + lost ==
// produced, or the measurement fails.
struct Account {
  uint64_t produced = 0;
  uint64_t received = 0;
  uint64_t lost = 0;  // of values: changes joined with later ones
};

// One method in one direction.
struct Row {
  std::string channel = {};
  std::string method = {};
  std::string direction = {};  // "to user" or "to kernel"
  std::string amount = {};
  std::string lock = {};
  std::string reason = {};  // why it was not measured; empty: it was

  double records_per_second = 0;
  double bytes_per_second = 0;
  uint64_t p50_ns = 0;
  uint64_t p99_ns = 0;
  // The module's call: while nobody is woken; while it is being read. 0: none.
  double kernel_ns = 0;
  double kernel_ns_read = 0;
  Account paced = {};     // 1000 a second
  Account windows = {};   // as many as fit, then all are waited for
  Account flat_out = {};  // more than fit, without a pause

  uint64_t produced() const { return paced.produced + windows.produced + flat_out.produced; }
  uint64_t received() const { return paced.received + windows.received + flat_out.received; }
  uint64_t lost() const { return paced.lost + windows.lost + flat_out.lost; }
};

// The value below which `share` of them lie; 0 if there are none.
template <typename T>
T Quantile(std::vector<T> values, double share) {
  if (values.empty()) return 0;
  const auto rank = static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(rank), values.end());
  return values[rank];
}

}  // namespace kchan::cli::bench

#endif  // KCHAN_CLIENTS_CLI_BENCH_ROW_H_
