// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_PASSED_BY_SYSTEMD_H_
#define KCHAN_BRIDGE_PASSED_BY_SYSTEMD_H_

#include <vector>

#include "absl/status/statusor.h"
#include "bridge/rpc/passed_socket.h"

namespace kchan {

// The sockets that the service manager gave this process, as sd_listen_fds(3): mostly
// none. Programs that it starts get neither them nor the variables that say so; so does
// this one when it asks again.
//
// Thread safety: while there is one thread.
absl::StatusOr<std::vector<rpc::PassedSocket>> TakeSocketsOfServiceManager();

}  // namespace kchan

#endif  // KCHAN_BRIDGE_PASSED_BY_SYSTEMD_H_
