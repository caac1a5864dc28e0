// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_CONNECTIONS_H_
#define KCHAN_BRIDGE_RPC_CONNECTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace kchan::rpc {

// How many of one listener's connections are open. gRPC, which closes them, tells
// nobody; but the kernel gives each socket a number of its own, so a connection has
// ended when its descriptor is closed or another socket's.
//
// Thread safety: any thread.
class Connections {
 public:
  explicit Connections(size_t max) : max_(max) {}

  // Whether there may be one more.
  bool HasRoom(std::chrono::steady_clock::time_point now);

  // Counts one that was accepted just now. Before gRPC has it, or it might be
  // closed already. False: the kernel does not number sockets.
  bool Add(int fd);

  size_t Count();

  size_t max() const { return max_; }

 private:
  void ForgetEndedLocked();

  const size_t max_;
  std::mutex mutex_;
  std::unordered_map<int, uint64_t> number_of_;  // guarded by mutex_, as all below
  std::chrono::steady_clock::time_point looked_{};
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_CONNECTIONS_H_
