// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_BENCH_PATH_RING_WRITERS_H_
#define KCHAN_TESTS_BENCH_PATH_RING_WRITERS_H_

#include "tests/bench/path/method.h"
#include "tests/unit/ring/user_ring.h"

namespace kchan::bench {

// Threads that stand for the CPU that writes. None of them returns.
using RingWriter = void (*)(testing::UserRing& ring, const Setup& setup);

// At a rate; each payload begins with its time.
[[noreturn]] void WritePaced(testing::UserRing& ring, const Setup& setup);

// As fast as the rest carries it away: waits for room as raw TCP's sender does,
// so nothing is lost.
[[noreturn]] void WriteWhatFits(testing::UserRing& ring, const Setup& setup);

// As fast as it can: what finds no room is lost, and counted.
[[noreturn]] void WriteAll(testing::UserRing& ring, const Setup& setup);

// Stands for a writer on a processor of its own: only the headers, published
// 64 KiB at a time, so that it takes next to nothing of these.
[[noreturn]] void WriteHeaders(testing::UserRing& ring, const Setup& setup);

}  // namespace kchan::bench

#endif  // KCHAN_TESTS_BENCH_PATH_RING_WRITERS_H_
