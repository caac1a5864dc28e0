// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_SOCKET_ADDRESS_H_
#define KCHAN_BRIDGE_RPC_SOCKET_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace kchan::rpc {

// Where a socket is: a path, or an IP address and a port.
class SocketAddress {
 public:
  // `path` fits into a sockaddr_un.
  static SocketAddress OfUnix(const std::string& path);
  // All that "HOST:PORT" stands for, each once: several where HOST is a name.
  static absl::StatusOr<std::vector<SocketAddress>> Resolve(const std::string& host_and_port);
  // Where the socket is bound.
  static absl::StatusOr<SocketAddress> Of(int fd);
  // All IPv4 addresses of this machine.
  static SocketAddress AnyIpv4(uint16_t port);

  int family() const { return storage_.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }

  bool IsAnyIpv6() const;
  uint16_t port() const;  // 0: a Unix socket, or any
  void SetPort(uint16_t port);

  // "unix:/run/kchan/read.sock", "127.0.0.1:50051", "[::1]:50051".
  std::string ToString() const;

  friend bool operator==(const SocketAddress& a, const SocketAddress& b);

 private:
  SocketAddress() = default;

  std::string path() const;

  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_SOCKET_ADDRESS_H_
