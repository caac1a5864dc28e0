// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_PASSED_SOCKET_H_
#define KCHAN_BRIDGE_RPC_PASSED_SOCKET_H_

#include <string>

#include "bridge/source/unique_fd.h"

namespace kchan::rpc {

// A listening socket that whoever started this process has made for it.
struct PassedSocket {
  source::UniqueFd fd;
  std::string name;  // for messages: of systemd's unit
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_PASSED_SOCKET_H_
