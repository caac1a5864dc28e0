// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_BENCH_PATH_SENDER_PROCESS_H_
#define KCHAN_TESTS_BENCH_PATH_SENDER_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "tests/bench/path/method.h"

namespace kchan::bench {

// CPU time that this process has used, in seconds.
double OwnCpuSeconds();

// This program again, told to send; it runs for as long as this object lives.
// The constructor returns once it listens, and ends the program if it cannot.
class SenderProcess {
 public:
  SenderProcess(const std::string& method, const Setup& setup);
  ~SenderProcess();
  SenderProcess(const SenderProcess&) = delete;
  SenderProcess& operator=(const SenderProcess&) = delete;

  // What it has used so far.
  double cpu_seconds() const;
  uint64_t resident_bytes() const;
  // How often its threads went to sleep, and so were woken.
  uint64_t wake_ups() const;

 private:
  pid_t pid_ = 0;
};

}  // namespace kchan::bench

#endif  // KCHAN_TESTS_BENCH_PATH_SENDER_PROCESS_H_
