// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_ENTRANCE_H_
#define KCHAN_BRIDGE_RPC_ENTRANCE_H_

#include <optional>
#include <string>

#include "bridge/rpc/server_options.h"
#include "bridge/security/identity.h"

namespace kchan::rpc {

// What a listener says of those who come through it.
struct Entrance {
  std::string address = {};  // for messages
  Right right = Right::kRead;
  bool is_local = false;  // a Unix socket
  // Everybody's; nothing: each has that of a verified certificate.
  std::optional<security::Identity> identity = {};
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_ENTRANCE_H_
