// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_PASSED_SOCKETS_H_
#define KCHAN_BRIDGE_RPC_PASSED_SOCKETS_H_

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/rpc/listening_socket.h"
#include "bridge/rpc/passed_socket.h"
#include "bridge/rpc/socket_address.h"

namespace kchan::rpc {

// Passed sockets, until the listener of each is found by its address.
//
// Thread safety: none.
class PassedSockets {
 public:
  // FAILED_PRECONDITION: one of them does not listen for connections.
  static absl::StatusOr<PassedSockets> From(std::vector<PassedSocket> sockets);

  // That with this address, if there is one.
  std::optional<absl::StatusOr<ListeningSocket>> Take(const SocketAddress& address);

  // INVALID_ARGUMENT names those that nobody has taken.
  absl::Status NoneIsLeft() const;

 private:
  struct Waiting {
    PassedSocket socket;
    SocketAddress address;
  };

  PassedSockets() = default;

  std::vector<Waiting> waiting_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_PASSED_SOCKETS_H_
