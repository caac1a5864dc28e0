// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_QUIESCE_H_
#define KCHAN_BRIDGE_SOURCE_QUIESCE_H_

#include "absl/status/status.h"

namespace kchan::source {

// Tells the loaded module to end all its channels: every kchand lets go of it,
// and it can be unloaded. It stays so until it is loaded again. Blocks.
//
// NOT_FOUND: it is not loaded. PERMISSION_DENIED: needs CAP_NET_ADMIN.
absl::Status QuiesceModule();

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_QUIESCE_H_
