// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_DOOR_THREADS_H_
#define KCHAN_BRIDGE_RPC_DOOR_THREADS_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"

namespace kchan::rpc {

// The few threads that may block in the kernel, so that neither gRPC's nor the
// source's ever do. The queue in front of them is bounded.
//
// Thread safety: any thread.
class DoorThreads {
 public:
  DoorThreads(size_t threads, size_t max_queued);
  ~DoorThreads();
  DoorThreads(const DoorThreads&) = delete;
  DoorThreads& operator=(const DoorThreads&) = delete;

  // Runs `call` soon. RESOURCE_EXHAUSTED if too many wait already: then it is
  // not run.
  absl::Status Submit(std::function<void()> call);

  // Runs what is queued and joins the threads. Idempotent.
  void Stop();

 private:
  void Loop();

  const size_t max_queued_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_DOOR_THREADS_H_
