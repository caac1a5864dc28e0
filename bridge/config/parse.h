// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_PARSE_H_
#define KCHAN_BRIDGE_CONFIG_PARSE_H_

#include <string>

#include "absl/status/statusor.h"
#include "bridge/config/config.h"
#include "bridge/config/places.h"
#include "kchan/config/v1/config.pb.h"

namespace kchan::config {

// Reads text format. INVALID_ARGUMENT lists every mistake as
// "NAME:LINE:COLUMN: what"; NAME is for that only. Fills `places` in, if there
// are any.
absl::StatusOr<v1::Config> ParseText(const std::string& text, const std::string& name,
                                     Places* places = nullptr);

// The same from a file.
absl::StatusOr<v1::Config> ReadFile(const std::string& path, Places* places = nullptr);

// Checks and fills in defaults. INVALID_ARGUMENT is "FIELD: what is wrong and
// what is allowed".
absl::StatusOr<Config> Resolve(const v1::Config& from);

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_PARSE_H_
