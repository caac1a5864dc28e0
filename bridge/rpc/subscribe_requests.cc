// SPDX-License-Identifier: Apache-2.0
// What a client asks of its stream.
#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/hub/boottime.h"
#include "bridge/rpc/channel_lookup.h"
#include "bridge/rpc/convert.h"
#include "bridge/rpc/status.h"
#include "bridge/rpc/subscribe_stream.h"

namespace kchan::rpc {
namespace {

// Who comes meanwhile and waits less gets its first record as late as this.
constexpr std::chrono::nanoseconds kMaxSourceDelay = std::chrono::milliseconds(50);
static_assert(kMaxSourceDelay < std::chrono::nanoseconds(hub::kUntilGraceNs));

// Of what is selected by name: a glob selects what may be read only.
absl::Status CheckRights(const Caller& caller, const hub::SubscriptionOptions& options) {
  for (const hub::Selection& selection : options.selections) {
    if (selection.is_glob) continue;
    absl::Status status = caller.Check(security::Right::kRead, selection.pattern);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// The hub refuses too, but does not know the methods to use instead.
absl::Status CheckHaveRecords(const hub::Hub& hub, const hub::SubscriptionOptions& options) {
  for (const hub::Selection& selection : options.selections) {
    const auto channel = selection.is_glob ? nullptr : hub.Find(selection.pattern);
    if (channel == nullptr) continue;
    if (absl::Status status = CheckGivesRecords(*channel); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SubscribeStream::Apply(const v1::SubscribeRequest& request) {
  if (!subscription_ && !request.has_open()) {
    return BadField("open", "the first request must open the subscription");
  }
  switch (request.request_case()) {
    case v1::SubscribeRequest::kOpen:
      if (subscription_) return BadField("open", "only the first request may open");
      return InField("open", Open(request.open()));
    case v1::SubscribeRequest::kAcknowledge:
      return Acknowledge(request.acknowledge());
    case v1::SubscribeRequest::kPause:
      subscription_->SetPaused(true);
      return absl::OkStatus();
    case v1::SubscribeRequest::kResume:
      subscription_->SetPaused(false);
      try_output_ = true;
      return absl::OkStatus();
    case v1::SubscribeRequest::REQUEST_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("the request holds nothing that this daemon knows");
}

absl::Status SubscribeStream::Open(const v1::SubscribeRequest::Open& open) {
  absl::StatusOr<OpenRequest> request = FromProto(open, hub::ClockOffsetNs());
  if (!request.ok()) return request.status();
  // The source's part of it comes first, then this stream's.
  request->options.source_delay = std::min(request->max_delay / 2, kMaxSourceDelay);
  max_delay_ = request->max_delay - request->options.source_delay;
  heartbeat_interval_ = request->heartbeat_interval;
  windowed_ = request->options.window_bytes > 0;
  if (absl::Status status = CheckRights(caller_, request->options); !status.ok()) return status;
  request->options.is_offered = [this](const std::string& channel) {
    return caller_.May(security::Right::kRead, channel);
  };
  if (absl::Status status = CheckHaveRecords(core_.hub, request->options); !status.ok()) {
    return status;
  }
  request->options.field_masks = &core_.field_masks;
  core_.stats.Opened(request->options);
  auto subscription =
      hub::Subscription::Open(core_.hub, std::move(request->options), &output_waiter_);
  if (absl::IsNotFound(subscription.status())) {
    return WithReason(subscription.status(), "NO_SUCH_CHANNEL");
  }
  if (!subscription.ok()) return subscription.status();
  subscription_ = *std::move(subscription);
  hello_due_ = true;
  try_output_ = true;
  tell_withheld_at_ = Pump::Clock::now() + heartbeat_interval_;
  return absl::OkStatus();
}

absl::Status SubscribeStream::Acknowledge(const v1::SubscribeRequest::Acknowledge& acknowledge) {
  for (int i = 0; i < acknowledge.cursors_size(); ++i) {
    const v1::Cursor& cursor = acknowledge.cursors(i);
    absl::Status status =
        subscription_->Acknowledge(cursor.channel(), {cursor.epoch(), cursor.sequence()});
    if (!status.ok()) {
      return BadField(absl::StrCat("acknowledge.cursors[", i, "]"), status.message());
    }
  }
  try_output_ = true;  // the window may have opened
  return absl::OkStatus();
}

absl::Status SubscribeStream::HalfClosed() {
  if (!subscription_) return BadField("open", "the stream was closed without opening anything");
  if (windowed_) {
    return BadField("open.window_bytes",
                    "a window needs acknowledgements, but the stream was half-closed: ask for "
                    "window_bytes 0, or keep it open");
  }
  return absl::OkStatus();
}

}  // namespace kchan::rpc
