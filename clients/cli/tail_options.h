// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_TAIL_OPTIONS_H_
#define KCHAN_CLIENTS_CLI_TAIL_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "kchan/subscription.h"

namespace kchan::cli {

// The command line of `kchan tail`.
struct TailOptions {
  std::vector<std::string> channels;  // names and globs; none: all
  std::vector<std::string> cursors;   // CHANNEL@EPOCH:SEQUENCE
  std::optional<uint64_t> last;
  bool from_oldest = false;
  std::string since;
  std::string until;
  bool no_follow = false;
  std::optional<uint64_t> count;
  uint32_t sample = 1;
  uint32_t rate = 0;
  std::string overflow = "oldest";
  std::string duration;
  std::string filter;
  std::vector<std::string> fields;  // paths; none: all
  uint64_t window_bytes = 0;
  std::string max_delay;
  bool no_reconnect = false;
  bool json = false;
  bool show_cursors = false;
};

// A cursor as people pass it on: "exec@8423:77".
std::string CursorText(const v1::Cursor& cursor);
absl::StatusOr<v1::Cursor> ParseCursor(const std::string& text);

// INVALID_ARGUMENT: something in the options makes no sense.
absl::StatusOr<SubscriptionOptions> MakeSubscriptionOptions(const TailOptions& tail);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_TAIL_OPTIONS_H_
