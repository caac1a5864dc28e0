// SPDX-License-Identifier: Apache-2.0
// Requests, checked: the other half of convert.
#include <algorithm>
#include <chrono>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "bridge/rpc/convert.h"
#include "bridge/rpc/duration.h"
#include "bridge/rpc/json_form.h"
#include "bridge/rpc/status.h"
#include "bridge/rpc/timestamp.h"

namespace kchan::rpc {
namespace {

using std::chrono::nanoseconds;

constexpr size_t kMaxSelections = 1024;
constexpr uint32_t kMinBatchBytes = 4 << 10;
constexpr uint32_t kMaxBatchBytes = 1 << 20;
constexpr nanoseconds kMaxDelay = std::chrono::seconds(10);
constexpr nanoseconds kDefaultHeartbeat = std::chrono::seconds(10);

absl::StatusOr<hub::Start> StartOf(const v1::Selection& selection, const std::string& field) {
  const v1::Start& start = selection.start();
  switch (start.position_case()) {
    case v1::Start::kOldest:
      return hub::StartOldest{};
    case v1::Start::kLastRecords:
      return hub::StartLast{start.last_records()};
    case v1::Start::kCursor: {
      const v1::Cursor& cursor = start.cursor();
      if (selection.has_glob() && !hub::GlobIsLiteral(selection.glob())) {
        return BadField(field + ".start.cursor",
                        "belongs to one channel: select that one before the glob, by name");
      }
      const std::string& pattern = selection.has_glob() ? selection.glob() : selection.name();
      if (!cursor.channel().empty() && cursor.channel() != pattern) {
        return BadField(
            field + ".start.cursor.channel",
            absl::StrCat("is '", cursor.channel(), "', but the selection is of '", pattern, "'"));
      }
      if (cursor.epoch() == 0) return BadField(field + ".start.cursor.epoch", "must not be 0");
      return hub::StartAt{{cursor.epoch(), cursor.sequence()}};
    }
    case v1::Start::kNow:
      return hub::StartNow{};
    case v1::Start::POSITION_NOT_SET:
      break;
  }
  if (start.has_since()) return hub::StartSince{};
  return hub::StartNow{};
}

absl::StatusOr<hub::Selection> SelectionOf(const v1::Selection& from, const std::string& field) {
  hub::Selection to;
  switch (from.channels_case()) {
    case v1::Selection::kName:
      to.pattern = from.name();
      break;
    case v1::Selection::kGlob:
      to.is_glob = true;
      to.pattern = from.glob();
      break;
    case v1::Selection::CHANNELS_NOT_SET:
      return BadField(field, "needs a name or a glob");
  }
  absl::StatusOr<hub::Start> start = StartOf(from, field);
  if (!start.ok()) return start.status();
  to.start = *start;
  if (from.start().has_since()) {
    const auto since = FromProto(from.start().since(), field + ".start.since");
    if (!since.ok()) return since.status();
    to.since_utc_ns = *since;
  }
  return to;
}

absl::Status ReadSelections(const v1::SubscribeRequest::Open& open,
                            hub::SubscriptionOptions& options) {
  if (open.selections().empty()) return BadField("selections", "at least one is needed");
  if (static_cast<size_t>(open.selections_size()) > kMaxSelections) {
    return BadField("selections", absl::StrCat("at most ", kMaxSelections, " are allowed"));
  }
  for (int i = 0; i < open.selections_size(); ++i) {
    auto selection = SelectionOf(open.selections(i), absl::StrCat("selections[", i, "]"));
    if (!selection.ok()) return selection.status();
    options.selections.push_back(*std::move(selection));
  }
  return absl::OkStatus();
}

absl::Status ReadBatching(const v1::SubscribeRequest::Open& open,
                          hub::SubscriptionOptions& options) {
  const uint32_t bytes = open.max_batch_bytes();
  if (bytes != 0 && (bytes < kMinBatchBytes || bytes > kMaxBatchBytes)) {
    return BadField("max_batch_bytes", absl::StrCat("must be ", kMinBatchBytes, " to ",
                                                    kMaxBatchBytes, ", or 0 for the default"));
  }
  if (bytes != 0) options.max_batch_bytes = bytes;
  options.window_bytes = open.window_bytes();
  switch (open.overflow_policy()) {
    case v1::OVERFLOW_POLICY_UNSPECIFIED:
    case v1::OVERFLOW_POLICY_SKIP_TO_OLDEST:
      options.overflow_policy = hub::OverflowPolicy::kSkipToOldest;
      return absl::OkStatus();
    case v1::OVERFLOW_POLICY_DISCONNECT:
      options.overflow_policy = hub::OverflowPolicy::kDisconnect;
      return absl::OkStatus();
    case v1::OVERFLOW_POLICY_SKIP_TO_NEWEST:
      options.overflow_policy = hub::OverflowPolicy::kSkipToNewest;
      return absl::OkStatus();
    case v1::OVERFLOW_POLICY_BLOCK:
      options.overflow_policy = hub::OverflowPolicy::kBlock;
      return absl::OkStatus();
    default:
      return BadField("overflow_policy",
                      absl::StrCat("this daemon does not know policy ", open.overflow_policy()));
  }
}

absl::Status ReadFormat(const v1::SubscribeRequest::Open& open, hub::SubscriptionOptions& options) {
  switch (open.payload_format()) {
    case v1::PAYLOAD_FORMAT_UNSPECIFIED:
    case v1::PAYLOAD_FORMAT_RAW:
      return absl::OkStatus();
    case v1::PAYLOAD_FORMAT_JSON:
      options.form = MakeJsonForm;
      return absl::OkStatus();
    default:
      return BadField("payload_format",
                      absl::StrCat("this daemon does not know format ", open.payload_format()));
  }
}

absl::Status ReadStop(const v1::SubscribeRequest::Open& open, hub::SubscriptionOptions& options) {
  const v1::SubscribeRequest::Stop& stop = open.stop();
  options.stop.records = stop.records();
  options.stop.end_of_history = stop.end_of_history();
  if (!stop.has_until()) return absl::OkStatus();
  const auto until = FromProto(stop.until(), "stop.until");
  if (!until.ok()) return until.status();
  options.stop.until_utc_ns = *until;
  for (size_t i = 0; i < options.selections.size(); ++i) {
    const auto since = options.selections[i].since_utc_ns;
    if (since && *since > *until) {
      return BadField("stop.until", absl::StrCat("is before selections[", i,
                                                 "].start.since: nothing could come"));
    }
  }
  return absl::OkStatus();
}

const hub::Parameter* FindParameter(const hub::ChannelDescription& description,
                                    const std::string& name) {
  const auto found = std::find_if(description.parameters.begin(), description.parameters.end(),
                                  [&](const hub::Parameter& p) { return p.name == name; });
  return found == description.parameters.end() ? nullptr : &*found;
}

absl::Status CheckParameter(const hub::ChannelDescription& description, const std::string& name,
                            uint64_t value) {
  const std::string field = absl::StrCat("parameters[\"", name, "\"]");
  const hub::Parameter* parameter = FindParameter(description, name);
  if (parameter == nullptr) {
    std::string known;
    for (const hub::Parameter& p : description.parameters) {
      absl::StrAppend(&known, known.empty() ? "" : ", ", p.name);
    }
    return BadField(field, absl::StrCat("channel ", description.name, " has no such parameter; ",
                                        known.empty() ? "it has none" : "it has: ", known));
  }
  if (value < parameter->min_value || value > parameter->max_value) {
    return BadField(field, absl::StrCat(value, " is out of range: allowed are ",
                                        parameter->min_value, " to ", parameter->max_value));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OpenRequest> FromProto(const v1::SubscribeRequest::Open& open,
                                      int64_t clock_offset_ns) {
  OpenRequest to;
  if (absl::Status status = ReadSelections(open, to.options); !status.ok()) return status;
  if (absl::Status status = ReadBatching(open, to.options); !status.ok()) return status;
  if (absl::Status status = ReadFormat(open, to.options); !status.ok()) return status;
  if (absl::Status status = ReadStop(open, to.options); !status.ok()) return status;
  to.options.sample_every = std::max<uint32_t>(open.sample_every(), 1);
  to.options.max_records_per_second = open.max_records_per_second();
  to.options.clock_offset_ns = clock_offset_ns;

  to.options.filter = open.filter();
  to.options.fields.assign(open.fields().begin(), open.fields().end());

  const auto delay = FromProto(open.max_delay(), "max_delay", nanoseconds::zero(), kMaxDelay,
                               "must be 0 s to 10 s");
  if (!delay.ok()) return delay.status();
  to.max_delay = *delay;

  to.heartbeat_interval = kDefaultHeartbeat;
  if (open.has_heartbeat_interval()) {
    const auto interval = HeartbeatFromProto(open.heartbeat_interval());
    if (!interval.ok()) return interval.status();
    to.heartbeat_interval = *interval;
  }
  return to;
}

absl::StatusOr<hub::ChannelSettings> FromProto(const v1::UpdateChannelRequest& request,
                                               const hub::ChannelDescription& description) {
  hub::ChannelSettings settings;
  for (const auto& [name, value] : request.parameters()) {
    absl::Status status = CheckParameter(description, name, value);
    if (!status.ok()) return status;
    settings.parameters.emplace_back(name, value);
  }
  std::sort(settings.parameters.begin(), settings.parameters.end());
  if (request.has_budget_bytes()) settings.budget_bytes = request.budget_bytes();
  if (request.has_linger_ms()) settings.linger_ms = request.linger_ms();
  if (settings.parameters.empty() && !settings.budget_bytes && !settings.linger_ms) {
    return BadField("parameters", "nothing to set");
  }
  return settings;
}

}  // namespace kchan::rpc
