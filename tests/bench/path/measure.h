// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_BENCH_PATH_MEASURE_H_
#define KCHAN_TESTS_BENCH_PATH_MEASURE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tests/bench/path/method.h"

namespace kchan::bench {

// A way, as options and tables name it.
struct Way {
  const char* name;
  const char* what;
  std::unique_ptr<Method> (*make)();
};

// Null: there is no such way.
const Way* FindWay(std::string_view name);

// What one way did in a run. Rates are of all clients together.
struct Result {
  double records_per_second = 0;
  double bytes_per_second = 0;
  double sender_cpu_per_gb = 0;  // seconds for each GB of payload delivered
  double both_cpu_per_gb = 0;
  double slowest_share = 0;  // the slowest client's rate by the mean
  uint64_t lost = 0;
  uint64_t p50_ns = 0;  // paced only
  uint64_t p99_ns = 0;
};

// One sender, `clients` receivers with a connection each, all on the same
// processors; after a second of warm-up, for `seconds`.
Result Measure(const Way& way, const Setup& setup, int clients, double seconds);

}  // namespace kchan::bench

#endif  // KCHAN_TESTS_BENCH_PATH_MEASURE_H_
