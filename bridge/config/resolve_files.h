// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_RESOLVE_FILES_H_
#define KCHAN_BRIDGE_CONFIG_RESOLVE_FILES_H_

#include "absl/status/status.h"
#include "bridge/source/link_options.h"
#include "kchan/config/v1/config.pb.h"

namespace kchan::config {

// The part about the files of FILE channels. INVALID_ARGUMENT names the field.
absl::Status ResolveFiles(const v1::Config& from, source::LinkOptions& to);

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_RESOLVE_FILES_H_
