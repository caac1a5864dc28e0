// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/passed_sockets.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kchan::rpc {
namespace {

int OptionOf(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

absl::StatusOr<PassedSockets> PassedSockets::From(std::vector<PassedSocket> sockets) {
  PassedSockets passed;
  for (PassedSocket& socket : sockets) {
    const int fd = socket.fd.get();
    auto address = SocketAddress::Of(fd);
    if (!address.ok() || OptionOf(fd, SO_TYPE) != SOCK_STREAM || OptionOf(fd, SO_ACCEPTCONN) != 1) {
      return absl::FailedPreconditionError(
          absl::StrCat("passed socket ", socket.name,
                       " does not listen for connections: use ListenStream= and Accept=no in its "
                       "unit"));
    }
    passed.waiting_.push_back({std::move(socket), *address});
  }
  return passed;
}

std::optional<absl::StatusOr<ListeningSocket>> PassedSockets::Take(const SocketAddress& address) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& waiting) {
    return waiting.address == address;
  });
  if (found == waiting_.end()) return std::nullopt;
  Waiting taken = std::move(*found);
  waiting_.erase(found);
  return ListeningSocket::Adopt(std::move(taken.socket.fd), taken.address);
}

absl::Status PassedSockets::NoneIsLeft() const {
  if (waiting_.empty()) return absl::OkStatus();
  const Waiting& first = waiting_.front();
  return absl::InvalidArgumentError(
      absl::StrCat("passed socket ", first.socket.name, " listens on ", first.address.ToString(),
                   ", where no listener is configured: correct its unit, or unix_sockets and "
                   "tcp_listeners"));
}

}  // namespace kchan::rpc
