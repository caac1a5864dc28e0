// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_PARSE_H_
#define KCHAN_CLIENTS_CLI_PARSE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

// What people type. INVALID_ARGUMENT names the option and what would do.
namespace kchan::cli {

// "500ms", "10s", "1h30m"; positive. Empty: `absent`.
absl::StatusOr<absl::Duration> ParseDuration(std::string_view option, const std::string& text,
                                             absl::Duration absent);

// "2026-11-25T10:00:00Z", or a duration: that long ago. Empty: `absent`.
absl::StatusOr<absl::Time> ParseTime(std::string_view option, const std::string& text,
                                     absl::Time absent);

// "4096", "4K", "1M", "2G"; powers of 1024. Empty: `absent`.
absl::StatusOr<uint64_t> ParseBytes(std::string_view option, const std::string& text,
                                    uint64_t absent);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_PARSE_H_
