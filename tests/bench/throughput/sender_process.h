// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_BENCH_THROUGHPUT_SENDER_PROCESS_H_
#define KCHAN_TESTS_BENCH_THROUGHPUT_SENDER_PROCESS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace kchan::bench {

// CPU time that this process has used, in seconds.
double OwnCpuSeconds();

// This program again, told to send; it runs for as long as this object lives.
// The constructor returns once it listens, and ends the program if it cannot.
class SenderProcess {
 public:
  SenderProcess(const char* method, uint16_t port, size_t record_bytes);
  ~SenderProcess();
  SenderProcess(const SenderProcess&) = delete;
  SenderProcess& operator=(const SenderProcess&) = delete;

  // CPU time that it has used so far.
  double cpu_seconds() const;

 private:
  pid_t pid_ = 0;
};

}  // namespace kchan::bench

#endif  // KCHAN_TESTS_BENCH_THROUGHPUT_SENDER_PROCESS_H_
