// SPDX-License-Identifier: Apache-2.0
#include "tail_options.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace kchan::cli {

std::string CursorText(const v1::Cursor& cursor) {
  return absl::StrCat(cursor.channel(), "@", cursor.epoch(), ":", cursor.sequence());
}

absl::StatusOr<v1::Cursor> ParseCursor(const std::string& text) {
  const size_t at = text.rfind('@');
  const size_t colon = text.rfind(':');
  uint64_t epoch;
  uint64_t sequence;
  if (at == std::string::npos || colon == std::string::npos || at == 0 || colon < at ||
      !absl::SimpleAtoi(text.substr(at + 1, colon - at - 1), &epoch) || epoch == 0 ||
      !absl::SimpleAtoi(text.substr(colon + 1), &sequence)) {
    return absl::InvalidArgumentError(
        absl::StrCat("cursor '", text, "' is not CHANNEL@EPOCH:SEQUENCE"));
  }
  v1::Cursor cursor;
  cursor.set_channel(text.substr(0, at));
  cursor.set_epoch(epoch);
  cursor.set_sequence(sequence);
  return cursor;
}

absl::StatusOr<SubscriptionOptions> MakeSubscriptionOptions(const TailOptions& tail) {
  SubscriptionOptions options;
  options.reconnect = !tail.no_reconnect;
  options.open.set_window_bytes(tail.window_bytes);
  options.open.set_filter(tail.filter);
  // A channel is served by the first selection that matches it.
  for (const std::string& text : tail.cursors) {
    auto cursor = ParseCursor(text);
    if (!cursor.ok()) return cursor.status();
    const std::string channel = cursor->channel();
    *options.open.add_selections() = Select(channel, FromCursor(*std::move(cursor)));
  }
  v1::Start start = FromNow();
  if (tail.from_oldest) start = FromOldest();
  if (tail.last) start = FromLast(*tail.last);
  for (const std::string& channel : tail.channels) {
    *options.open.add_selections() = Select(channel, start);
  }
  if (options.open.selections().empty()) *options.open.add_selections() = Select("*", start);
  return options;
}

}  // namespace kchan::cli
