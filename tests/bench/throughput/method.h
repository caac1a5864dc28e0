// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_BENCH_THROUGHPUT_METHOD_H_
#define KCHAN_TESTS_BENCH_THROUGHPUT_METHOD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace kchan::bench {

// What a receiver has seen so far. Read by the thread that measures.
struct Progress {
  std::atomic<uint64_t> records{0};
  std::atomic<uint64_t> payload_bytes{0};
  std::atomic<uint64_t> lost{0};
};

// One way to get records of a fixed size from one process to another over
// loopback TCP, as fast as it goes.
class Method {
 public:
  virtual ~Method() = default;

  // Sends on `port` until the process is killed. `ready` is called once the
  // port can be connected to.
  virtual void Send(uint16_t port, size_t record_bytes, void (*ready)()) = 0;

  // Connects and receives until `stop` is true.
  virtual void Receive(uint16_t port, size_t record_bytes, const std::atomic<bool>& stop,
                       Progress& progress) = 0;
};

std::unique_ptr<Method> MakeRawTcp();       // 64 KiB writes of payload, nothing else
std::unique_ptr<Method> MakeGrpcRecords();  // one record per gRPC message
std::unique_ptr<Method> MakeGrpcSlices();   // the same 256 KiB message again and again
std::unique_ptr<Method> MakeKchan();        // ring, reader, log, Subscribe, client library

}  // namespace kchan::bench

#endif  // KCHAN_TESTS_BENCH_THROUGHPUT_METHOD_H_
