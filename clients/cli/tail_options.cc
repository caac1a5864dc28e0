// SPDX-License-Identifier: Apache-2.0
#include "tail_options.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "parse.h"

namespace kchan::cli {
namespace {

absl::StatusOr<v1::OverflowPolicy> ParseOverflow(const std::string& text) {
  if (text == "oldest") return v1::OVERFLOW_POLICY_SKIP_TO_OLDEST;
  if (text == "newest") return v1::OVERFLOW_POLICY_SKIP_TO_NEWEST;
  if (text == "disconnect") return v1::OVERFLOW_POLICY_DISCONNECT;
  if (text == "block") return v1::OVERFLOW_POLICY_BLOCK;
  return absl::InvalidArgumentError(
      absl::StrCat("--overflow '", text, "' is not one of oldest, newest, disconnect, block"));
}

absl::StatusOr<v1::Start> MakeStart(const TailOptions& tail) {
  const auto since = ParseTime("--since", tail.since, absl::InfinitePast());
  if (!since.ok()) return since.status();
  if (tail.last) return FromLast(*tail.last);
  if (!tail.since.empty()) return FromTime(*since);
  // Without a history to begin with there is none to end with.
  return tail.from_oldest || tail.no_follow ? FromOldest() : FromNow();
}

absl::Status SetStop(const TailOptions& tail, v1::SubscribeRequest::Open* open) {
  const auto until = ParseTime("--until", tail.until, absl::InfiniteFuture());
  if (!until.ok()) return until.status();
  if (!tail.until.empty()) *open->mutable_stop() = StopAtTime(*until);
  if (tail.count) open->mutable_stop()->set_records(*tail.count);
  if (tail.no_follow) open->mutable_stop()->set_end_of_history(true);
  return absl::OkStatus();
}

}  // namespace

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
  options.open.mutable_fields()->Assign(tail.fields.begin(), tail.fields.end());
  options.open.set_sample_every(tail.sample);
  options.open.set_max_records_per_second(tail.rate);
  const auto overflow = ParseOverflow(tail.overflow);
  const auto start = MakeStart(tail);
  const auto delay = ParseDuration("--max-delay", tail.max_delay, absl::ZeroDuration());
  const absl::Status stop = SetStop(tail, &options.open);
  for (const absl::Status& status : {overflow.status(), start.status(), delay.status(), stop}) {
    if (!status.ok()) return status;
  }
  options.open.set_overflow_policy(*overflow);
  *options.open.mutable_max_delay() =
      google::protobuf::util::TimeUtil::NanosecondsToDuration(absl::ToInt64Nanoseconds(*delay));
  // A channel is served by the first selection that matches it.
  for (const std::string& text : tail.cursors) {
    auto cursor = ParseCursor(text);
    if (!cursor.ok()) return cursor.status();
    const std::string channel = cursor->channel();
    v1::Start behind = FromCursor(*std::move(cursor));
    if (start->has_since()) *behind.mutable_since() = start->since();
    *options.open.add_selections() = Select(channel, std::move(behind));
  }
  for (const std::string& channel : tail.channels) {
    *options.open.add_selections() = Select(channel, *start);
  }
  if (options.open.selections().empty()) *options.open.add_selections() = Select("*", *start);
  return options;
}

}  // namespace kchan::cli
