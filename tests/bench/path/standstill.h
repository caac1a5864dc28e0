// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_BENCH_PATH_STANDSTILL_H_
#define KCHAN_TESTS_BENCH_PATH_STANDSTILL_H_

#include "tests/bench/path/tables.h"

namespace kchan::bench {

// Memory of a sender whose log is full and whose clients have stopped reading.
void PrintStalled(Printer& printer, const Setup& setup, int clients);

// What a sender does for clients while no record comes; and how soon, after its
// start, a client has its first record.
void PrintIdle(Printer& printer, const Setup& setup, int clients, double seconds);

}  // namespace kchan::bench

#endif  // KCHAN_TESTS_BENCH_PATH_STANDSTILL_H_
