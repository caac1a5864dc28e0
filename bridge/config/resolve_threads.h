// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_RESOLVE_THREADS_H_
#define KCHAN_BRIDGE_CONFIG_RESOLVE_THREADS_H_

#include "absl/status/status.h"
#include "bridge/config/config.h"
#include "kchan/config/v1/config.pb.h"

namespace kchan::config {

// The part about threads and where they run. INVALID_ARGUMENT names the field.
absl::Status ResolveThreads(const v1::Threads& from, Config& to);

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_RESOLVE_THREADS_H_
