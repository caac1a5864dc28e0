// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_PARSE_H_
#define KCHAN_BRIDGE_CONFIG_PARSE_H_

#include <string>

#include "absl/status/statusor.h"
#include "bridge/config/config.h"
#include "kchan/config/v1/config.pb.h"

namespace kchan::config {

// Reads text format. INVALID_ARGUMENT lists every mistake as
// "NAME:LINE:COLUMN: what"; NAME is for that only.
absl::StatusOr<v1::Config> ParseText(const std::string& text, const std::string& name);

// The same from a file.
absl::StatusOr<v1::Config> ReadFile(const std::string& path);

// Checks and fills in defaults. INVALID_ARGUMENT names the field and says what
// is allowed.
absl::StatusOr<Config> Resolve(const v1::Config& from);

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_PARSE_H_
