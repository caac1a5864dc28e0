// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/listening_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bridge/rpc/keepalive.h"
#include "bridge/rpc/passed_sockets.h"
#include "bridge/rpc/unix_socket.h"

namespace kchan::rpc {
namespace {

bool Set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

// Of connections, which inherit them: what gRPC gives its own.
bool TuneTcp(int fd) {
  return Set(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
         Set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kKeepAliveTimeoutMs);
}

// Binds and listens; returns errno. No SO_REUSEPORT: two daemons on one port would
// each get a random half of the clients.
int Bind(const SocketAddress& address, source::UniqueFd& to) {
  source::UniqueFd fd(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  if (address.family() != AF_UNIX) {
    if (!Set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1) || !TuneTcp(fd.get())) return errno;
    // [::] is every address of the machine, whatever net.ipv6.bindv6only says.
    if (address.family() == AF_INET6 &&
        !Set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, address.IsAnyIpv6() ? 0 : 1)) {
      return errno;
    }
  }
  if (bind(fd.get(), address.get(), address.size()) != 0) return errno;
  if (listen(fd.get(), SOMAXCONN) != 0) return errno;
  to = std::move(fd);
  return 0;
}

// The machine, or its kernel, does not have it.
bool IsNotHere(int error) { return error == EADDRNOTAVAIL || error == EAFNOSUPPORT; }

absl::Status CannotListen(const SocketAddress& address, int error) {
  const char* remedy = "";
  switch (error) {
    case EADDRINUSE:
      remedy = ": somebody listens there: is another kchand running?";
      break;
    case EADDRNOTAVAIL:
      remedy = ": it is not an address of this machine";
      break;
    case EACCES:
      remedy = ": a port below 1024 needs CAP_NET_BIND_SERVICE";
      break;
    default:
      break;
  }
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", address.ToString(), ": ", std::strerror(error), remedy));
}

}  // namespace

absl::StatusOr<ListeningSocket> ListeningSocket::Adopt(source::UniqueFd fd,
                                                       const SocketAddress& address) {
  const int flags = fcntl(fd.get(), F_GETFL);
  if (flags < 0 || fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
      (address.family() != AF_UNIX && !TuneTcp(fd.get()))) {
    return absl::ErrnoToStatus(errno, absl::StrCat("passed socket ", address.ToString()));
  }
  return ListeningSocket(std::move(fd), address, "");
}

absl::StatusOr<ListeningSocket> ListeningSocket::BindUnix(const UnixListener& listener) {
  if (absl::Status status = PrepareUnixSocket(listener); !status.ok()) return status;
  const SocketAddress address = SocketAddress::OfUnix(listener.path);
  source::UniqueFd fd;
  {
    const PrivateUmask umask;
    if (const int error = Bind(address, fd); error != 0) return CannotListen(address, error);
  }
  ListeningSocket socket(std::move(fd), address, listener.path);
  if (absl::Status status = GrantUnixSocket(listener); !status.ok()) return status;
  return socket;
}

absl::StatusOr<std::vector<ListeningSocket>> ListeningSocket::Open(const UnixListener& listener,
                                                                   PassedSockets& passed) {
  if (absl::Status status = CheckUnixPath(listener); !status.ok()) return status;
  auto found = passed.Take(SocketAddress::OfUnix(listener.path));
  auto socket = found ? *std::move(found) : BindUnix(listener);
  if (!socket.ok()) return socket.status();
  std::vector<ListeningSocket> one;
  one.push_back(*std::move(socket));
  return one;
}

absl::StatusOr<std::vector<ListeningSocket>> ListeningSocket::Open(const TcpListener& listener,
                                                                   PassedSockets& passed) {
  auto addresses = SocketAddress::Resolve(listener.address);
  if (!addresses.ok()) return addresses.status();
  return BindTcp(*addresses, passed);
}

// A name may have addresses that this machine does not, as ::1 without IPv6: one is
// enough. Anything else in the way of any of them is an error.
absl::StatusOr<std::vector<ListeningSocket>> ListeningSocket::BindTcp(
    const std::vector<SocketAddress>& addresses, PassedSockets& passed) {
  std::vector<ListeningSocket> sockets;
  absl::Status not_here;
  for (SocketAddress address : addresses) {
    if (auto found = passed.Take(address)) {
      if (!found->ok()) return found->status();
      sockets.push_back(**std::move(found));
      continue;
    }
    // Port 0 is any, but the same for all addresses of one name.
    if (address.port() == 0 && !sockets.empty()) address.SetPort(sockets[0].address().port());
    source::UniqueFd fd;
    int error = Bind(address, fd);
    if (error == EAFNOSUPPORT && address.IsAnyIpv6()) {
      error = Bind(SocketAddress::AnyIpv4(address.port()), fd);
    }
    if (IsNotHere(error)) {
      not_here.Update(CannotListen(address, error));
      continue;
    }
    if (error != 0) return CannotListen(address, error);
    const auto bound = SocketAddress::Of(fd.get());
    if (!bound.ok()) return bound.status();
    sockets.push_back(ListeningSocket(std::move(fd), *bound, ""));
  }
  if (sockets.empty()) return not_here;
  return sockets;
}

ListeningSocket::~ListeningSocket() {
  // While it still listens: afterwards the next kchand may have a socket of its own
  // there.
  if (fd_ && !path_.empty()) unlink(path_.c_str());
}

}  // namespace kchan::rpc
