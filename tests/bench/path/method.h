// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_BENCH_PATH_METHOD_H_
#define KCHAN_TESTS_BENCH_PATH_METHOD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kchan::bench {

// What both ends of a measurement agree on.
struct Setup {
  uint16_t port = 0;
  size_t record_bytes = 128;      // of payload
  double rate = 0;                // records per second; 0: as fast as it goes
  std::string tls_folder = {};    // with cert.pem and key.pem; empty: plain text
  std::string spool_folder = {};  // for ways that write to disk
};

// What a receiver has seen so far. Read by the thread that measures.
struct Progress {
  std::atomic<uint64_t> records{0};
  std::atomic<uint64_t> payload_bytes{0};
  std::atomic<uint64_t> lost{0};
  // How long each record was on its way, if it is paced. The receiver's own
  // until it has ended.
  std::vector<uint64_t> latencies_ns;
};

// One way to get records of a fixed size from one process to others over
// loopback TCP.
class Method {
 public:
  virtual ~Method() = default;

  // Sends to whoever connects until the process is killed. `ready` is called
  // once the port can be connected to. Paced, each payload begins with the time
  // at which it was made, StampNow().
  virtual void Send(const Setup& setup, void (*ready)()) = 0;

  // Connects and receives until `stop` is true. Several may run at once.
  virtual void Receive(const Setup& setup, const std::atomic<bool>& stop, Progress& progress) = 0;
};

std::unique_ptr<Method> MakeRawTcp();       // 64 KiB writes of payload, nothing else
std::unique_ptr<Method> MakeGrpcRecords();  // one record per gRPC message
std::unique_ptr<Method> MakeGrpcSlices();   // the same 256 KiB message again and again
// As MakeGrpcSlices(), but the sender has a thread of its own that polls a
// completion queue, or one for each processor, in place of the callback API.
std::unique_ptr<Method> MakeGrpcQueue();
std::unique_ptr<Method> MakeGrpcQueues();

// Ring, reader, log, Subscribe, client library. They differ in who writes
// (ring_writers.h): as much as is carried away, all it can, or headers only.
std::unique_ptr<Method> MakeKchan();
std::unique_ptr<Method> MakeKchanFlooded();
std::unique_ptr<Method> MakeKchanApart();
// As MakeKchan(), with a client's filter that every record matches, or with the
// history on disk as well.
std::unique_ptr<Method> MakeKchanFiltered();
std::unique_ptr<Method> MakeKchanSpooled();

// CLOCK_MONOTONIC, the same in all processes.
uint64_t StampNow();
// Puts it at the start of a payload, or takes it from there; at least 8 bytes.
void PutStamp(void* payload);
uint64_t AgeOf(const void* payload);

// Waits for each record's turn.
class Pacer {
 public:
  explicit Pacer(double rate);
  void Wait();

 private:
  const uint64_t interval_ns_;
  uint64_t next_ns_;
};

}  // namespace kchan::bench

#endif  // KCHAN_TESTS_BENCH_PATH_METHOD_H_
