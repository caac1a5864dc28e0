// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_UNIX_SOCKET_H_
#define KCHAN_BRIDGE_RPC_UNIX_SOCKET_H_

#include <sys/types.h>

#include "absl/status/status.h"
#include "bridge/rpc/server_options.h"

// Who may replace a Unix socket, and who may connect.
namespace kchan::rpc {

// INVALID_ARGUMENT: `listener.path` cannot be that of a socket.
absl::Status CheckUnixPath(const UnixListener& listener);

// Makes sure that `listener.path`, which has been checked, can be bound safely: its
// folder exists (it is made if only itself is missing) and nobody else can write to
// it; nobody listens on the path. A socket that nobody listens on is removed.
absl::Status PrepareUnixSocket(const UnixListener& listener);

// Gives the bound socket its group and mode.
absl::Status GrantUnixSocket(const UnixListener& listener);

// While it lives, new files are the owner's alone: between bind and
// GrantUnixSocket() nobody else can connect.
class PrivateUmask {
 public:
  PrivateUmask();
  ~PrivateUmask();
  PrivateUmask(const PrivateUmask&) = delete;
  PrivateUmask& operator=(const PrivateUmask&) = delete;

 private:
  const mode_t before_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_UNIX_SOCKET_H_
