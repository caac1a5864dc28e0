// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NODE_IDENTITY_H_
#define KCHAN_BRIDGE_NODE_IDENTITY_H_

#include <string>

#include "bridge/rpc/server_options.h"

namespace kchan {

// kchand's version.
const char* Version();

// This machine, as `name`.
rpc::NodeIdentity ThisNode(std::string name);

}  // namespace kchan

#endif  // KCHAN_BRIDGE_NODE_IDENTITY_H_
