// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_BENCH_PATH_TABLES_H_
#define KCHAN_TESTS_BENCH_PATH_TABLES_H_

#include <string>
#include <vector>

#include "tests/bench/path/measure.h"

namespace kchan::bench {

// One cell of a row: its column, as a table and as JSON call it.
struct Cell {
  std::string column;
  std::string value;
  bool is_text = false;
};

// Prints rows as one Markdown table, or as JSON objects.
class Printer {
 public:
  explicit Printer(bool json) : json_(json) {}
  void Print(const std::vector<Cell>& row);

 private:
  const bool json_;
  bool has_heading_ = false;
};

Cell Text(const std::string& column, const std::string& value);
Cell Number(const std::string& column, double value, int decimals);

// How often each way is measured, and for how long each time.
struct Rounds {
  int count = 1;
  double seconds = 3;
};

void PrintThroughput(Printer& printer, const std::vector<const Way*>& ways, Setup setup,
                     const std::vector<size_t>& sizes, const Rounds& rounds);
void PrintFanout(Printer& printer, const std::vector<const Way*>& ways, Setup setup,
                 const std::vector<int>& clients, double seconds);
void PrintLatency(Printer& printer, const std::vector<const Way*>& ways, Setup setup,
                  const Rounds& rounds);

}  // namespace kchan::bench

#endif  // KCHAN_TESTS_BENCH_PATH_TABLES_H_
