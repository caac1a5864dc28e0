// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_LISTENING_SOCKET_H_
#define KCHAN_BRIDGE_RPC_LISTENING_SOCKET_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/rpc/server_options.h"
#include "bridge/rpc/socket_address.h"
#include "bridge/source/unique_fd.h"

namespace kchan::rpc {

class PassedSockets;

// A bound socket at which connections wait; accept4() on it does not block. What it
// accepts has its options.
//
// Thread safety: none.
//
// Lifetime: the path of a Unix socket that was made here goes with it.
class ListeningSocket {
 public:
  // Those of a listener: made here, or taken from `passed` where one has its address.
  static absl::StatusOr<std::vector<ListeningSocket>> Open(const UnixListener& listener,
                                                           PassedSockets& passed);
  static absl::StatusOr<std::vector<ListeningSocket>> Open(const TcpListener& listener,
                                                           PassedSockets& passed);

  // One that somebody else made, and goes on with when this one is gone.
  static absl::StatusOr<ListeningSocket> Adopt(source::UniqueFd fd, const SocketAddress& address);

  ~ListeningSocket();
  ListeningSocket(ListeningSocket&&) noexcept = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;

  int fd() const { return fd_.get(); }
  const SocketAddress& address() const { return address_; }

 private:
  ListeningSocket(source::UniqueFd fd, const SocketAddress& address, std::string path)
      : fd_(std::move(fd)), address_(address), path_(std::move(path)) {}

  static absl::StatusOr<ListeningSocket> BindUnix(const UnixListener& listener);
  static absl::StatusOr<std::vector<ListeningSocket>> BindTcp(
      const std::vector<SocketAddress>& addresses, PassedSockets& passed);

  source::UniqueFd fd_;
  SocketAddress address_;
  std::string path_;  // that was made here; empty: none
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_LISTENING_SOCKET_H_
