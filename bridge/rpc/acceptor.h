// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_ACCEPTOR_H_
#define KCHAN_BRIDGE_RPC_ACCEPTOR_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/netlink/wake_event.h"
#include "bridge/rpc/connections.h"
#include "bridge/rpc/listening_socket.h"
#include "bridge/rpc/server_stats.h"
#include "bridge/rpc/sparse_count.h"
#include "grpcpp/server_builder.h"

namespace kchan::rpc {

// One listener: where clients come, and who serves them.
struct Door {
  std::string address;  // for messages
  std::vector<ListeningSocket> sockets;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> server;
};

// Accepts connections at all listeners, in a thread of its own, and hands each to
// the gRPC server of its listener. Beyond a listener's bound a connection is closed at
// once. Where descriptors or memory are short clients wait in the socket's queue, until
// they can be had again.
//
// Thread safety: Stop() from one thread; Count() from any.
class Acceptor {
 public:
  using Warn = std::function<void(const std::string& line)>;

  // Each listener may have `max_connections`. `warn` must not block; may be empty.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Start(std::vector<Door> doors,
                                                         size_t max_connections, Warn warn);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  std::vector<ConnectionCount> Count() const;

  // Closes the listening sockets; what was accepted is with gRPC then. Before any of the
  // servers shuts down: one that has does not close what it is given. Idempotent.
  void Stop();

 private:
  using Clock = std::chrono::steady_clock;

  struct Listener {
    Listener(Door the_door, size_t max_connections)
        : door(std::move(the_door)), connections(max_connections) {}

    Door door;
    Connections connections;
    std::atomic<uint64_t> accepted{0};
    std::atomic<uint64_t> refused{0};
    std::atomic<uint64_t> failures{0};
    SparseCount refused_lines;
    SparseCount failure_lines;
  };

  // One listening socket; not looked at before `rests_until` where accept() fails.
  struct Watched {
    Listener* listener;
    int fd;
    Clock::duration rest{0};
    Clock::time_point rests_until{};
  };

  Acceptor(std::vector<Door> doors, size_t max_connections, Warn warn);

  void Run();
  // Until when to wait; nothing: for the next connection.
  int MillisecondsToWait(Clock::time_point now) const;
  void AcceptSome(Watched& watched, Clock::time_point now);
  void Admit(Watched& watched, int fd, Clock::time_point now);
  void Rest(Watched& watched, int error, Clock::time_point now);

  const Warn warn_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<Watched> watched_;  // of the thread
  netlink::WakeEvent stop_;
  std::thread thread_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_ACCEPTOR_H_
