// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/subscribe_stream.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "bridge/hub/boottime.h"
#include "bridge/rpc/batch_message.h"
#include "bridge/rpc/convert.h"
#include "bridge/rpc/status.h"
#include "bridge/rpc/subscribe_messages.h"
#include "grpc/grpc.h"
#include "grpcpp/server_context.h"

namespace kchan::rpc {
namespace {

constexpr uint64_t kFarNs = 3'600'000'000'000;  // beyond any heartbeat

std::string Describe(const std::vector<hub::ChannelCursor>& cursors) {
  constexpr size_t kMost = 8;
  std::string text;
  for (size_t i = 0; i < cursors.size() && i < kMost; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", cursors[i].channel, " epoch ",
                    cursors[i].cursor.epoch, " sequence ", cursors[i].cursor.sequence);
  }
  if (cursors.size() > kMost) absl::StrAppend(&text, ", ...");
  return text;
}

}  // namespace

SubscribeStream::Reactor* SubscribeStream::Start(Core& core, Caller caller,
                                                 grpc::CallbackServerContext* context) {
  auto stream =
      std::make_shared<SubscribeStream>(core, core.lanes.Next(), std::move(caller), context);
  stream->self_ = stream;
  stream->StartRead(&stream->request_);
  if (absl::Status status = core.subscriptions.Add(stream); !status.ok()) stream->EndSoon(status);
  stream->PolicyChanged();  // it may have, before it was among those that are told
  return stream.get();
}

SubscribeStream::SubscribeStream(Core& core, Lane& lane, Caller caller,
                                 grpc::CallbackServerContext* context)
    : Task(lane.pump),
      core_(core),
      caller_(std::move(caller)),
      guard_(*lane.guard),
      call_(context->c_call()) {
  grpc_call_ref(call_);
}

SubscribeStream::~SubscribeStream() { grpc_call_unref(call_); }

void SubscribeStream::Happened(Event event) {
  events_.fetch_or(event);
  Notify();
}

void SubscribeStream::EndSoon(const absl::Status& status) {
  {
    std::lock_guard lock(end_mutex_);
    end_status_ = status;
  }
  Happened(kEndAsked);
}

void SubscribeStream::OnReadDone(bool ok) { Happened(ok ? kRead : kReadEnded); }

// The next write without waking anybody to start it, while there is more to send.
void SubscribeStream::OnWriteDone(bool ok) {
  events_.fetch_or(ok ? kWritten : kWriteFailed);
  RunOrNotify();
}

void SubscribeStream::OnCancel() { Happened(kCancelled); }

void SubscribeStream::OnDone() {
  core_.subscriptions.Remove(this);
  // The pump may hold one more reference, for a turn that does nothing.
  const std::shared_ptr<SubscribeStream> self = std::move(self_);
}

void SubscribeStream::Run() {
  const uint32_t events = events_.exchange(0);
  if (ended_ || !FollowPolicy() || !HandleEvents(events)) return;
  Send();
}

// Ends a stream of which one channel may not be read any more: what it would be
// without that is another subscription.
bool SubscribeStream::FollowPolicy() {
  if (!caller_.Renew() || !subscription_) return true;
  absl::Status status = caller_.CheckAny(security::Right::kRead);
  for (const std::string& channel : subscription_->channels()) {
    if (status.ok()) status = caller_.Check(security::Right::kRead, channel);
  }
  if (!status.ok()) {
    End(status);
    return false;
  }
  subscription_->OffersChanged();
  try_output_ = true;
  return true;
}

void SubscribeStream::ClockSet() {
  clock_set_ = true;
  if (ended_ || !subscription_) return;
  subscription_->SetClockOffset(hub::ClockOffsetNs());
  try_output_ = true;
  Send();
}

bool SubscribeStream::HandleEvents(uint32_t events) {
  if ((events & (kCancelled | kWriteFailed)) != 0) {
    End(absl::CancelledError("the client went away"));
    return false;
  }
  if ((events & kEndAsked) != 0) {
    std::unique_lock lock(end_mutex_);
    const absl::Status status = end_status_;
    lock.unlock();
    End(status);
    return false;
  }
  if ((events & kWritten) != 0) WriteDone();
  if ((events & kRead) != 0 && !HandleRequest()) return false;
  if ((events & kReadEnded) != 0) {
    if (absl::Status status = HalfClosed(); !status.ok()) {
      End(status);
      return false;
    }
  }
  if ((events & kOutput) != 0 && !try_output_) {
    // Idle until now: what came first may wait for company.
    try_output_ = true;
    hold_until_ = Pump::Clock::now() + max_delay_;
  }
  return true;
}

bool SubscribeStream::HandleRequest() {
  v1::SubscribeRequest request;
  absl::Status status = ParseRequest(request_, request)
                            ? Apply(request)
                            : absl::InvalidArgumentError("the request is not a SubscribeRequest");
  request_.Clear();
  if (!status.ok()) {
    End(status);
    return false;
  }
  StartRead(&request_);
  return true;
}

void SubscribeStream::Send() {
  if (!subscription_) return;
  if (!writing_) {
    LookAtClock();
    if (hello_due_) {
      SendHello();
    } else if (clock_set_) {
      SendHeartbeat();
    } else {
      if (!SendOutput()) return;
      if (!writing_ && Pump::Clock::now() >= last_write_ + heartbeat_interval_) SendHeartbeat();
    }
  }
  ArmDeadline();
}

// Does what the time asks for. No number that was withheld waits for longer than
// a heartbeat would to be told of, also while other channels keep the stream
// busy; and a stream may end by the clock.
void SubscribeStream::LookAtClock() {
  const TimePoint now = Pump::Clock::now();
  if (now >= std::min(tell_withheld_at_, last_write_ + heartbeat_interval_)) {
    tell_withheld_at_ = now + heartbeat_interval_;
    if (subscription_->TellWithheld()) TryOutputNow(now);
  }
  const auto ends_at_ns = subscription_->ends_at_ns();
  if (ends_at_ns && hub::BoottimeNow() >= *ends_at_ns) TryOutputNow(now);
}

void SubscribeStream::TryOutputNow(TimePoint now) {
  try_output_ = true;
  hold_until_ = std::min(hold_until_, now);
}

// Asks the subscription for something to send; false: the call has ended.
bool SubscribeStream::SendOutput() {
  unfinished_ = false;
  if (!try_output_ || Pump::Clock::now() < hold_until_) return true;
  absl::StatusOr<hub::SubscriptionOutput> output = subscription_->Next();
  if (!output.ok()) {
    End(InField("open", output.status()));
    return false;
  }
  if (auto* batch = std::get_if<hub::BatchOut>(&*output)) {
    core_.stats.Sending(batch->batch);
    in_flight_ = std::move(*batch);
    Write(BatchMessage(in_flight_->channel->name(), in_flight_->batch));
  } else if (const auto* update = std::get_if<hub::ChannelUpdateOut>(&*output)) {
    Write(Message(*update));
  } else if (const auto* end = std::get_if<hub::HistoryEndOut>(&*output)) {
    Write(Message(*end));
  } else if (std::holds_alternative<hub::MoreOut>(*output)) {
    unfinished_ = true;
    Notify();  // another turn, behind the other streams'
  } else if (std::holds_alternative<hub::EndOut>(*output)) {
    End(absl::OkStatus());
    return false;
  } else {
    try_output_ = false;
  }
  return true;
}

void SubscribeStream::SendHello() {
  hello_due_ = false;
  Write(HelloMessage(ToProto(core_.options.node, core_.hub.kernel_side()), *subscription_));
}

void SubscribeStream::SendHeartbeat() {
  clock_set_ = false;
  Write(HeartbeatMessage(*subscription_));
}

void SubscribeStream::Write(grpc::ByteBuffer buffer) {
  message_.Swap(&buffer);
  writing_ = true;
  last_write_ = Pump::Clock::now();
  guard_place_ = guard_.WriteStarted(this);
  StartWrite(&message_);
}

void SubscribeStream::WriteDone() {
  writing_ = false;
  guard_.WriteDone(guard_place_);
  message_.Clear();
  in_flight_.reset();
}

void SubscribeStream::ArmDeadline() {
  if (writing_) {
    // It only keeps ClockSet() coming. Not from last_write_: a write that takes
    // long would make it one that has passed.
    if (!has_deadline()) SetDeadline(Pump::Clock::now() + heartbeat_interval_);
    return;
  }
  TimePoint deadline = last_write_ + heartbeat_interval_;
  if (try_output_ && !unfinished_) deadline = std::min(deadline, hold_until_);
  SetDeadline(std::min(deadline, EndByClock()));
}

// When to look at the clock for the stream's end. A time that has passed was
// looked at in this turn.
SubscribeStream::TimePoint SubscribeStream::EndByClock() const {
  const auto ends_at_ns = subscription_->ends_at_ns();
  const uint64_t now_ns = hub::BoottimeNow();
  if (!ends_at_ns || *ends_at_ns <= now_ns) return TimePoint::max();
  const auto left = std::min<uint64_t>(*ends_at_ns - now_ns, kFarNs);
  return Pump::Clock::now() + std::chrono::nanoseconds(left);
}

uint64_t SubscribeStream::evicted_bytes() const {
  uint64_t bytes = 0;
  const hub::Segment* last = nullptr;  // neighbours may be slices of one segment
  if (!in_flight_) return bytes;
  for (const hub::SegmentSlice& slice : in_flight_->batch.slices) {
    if (slice.segment == nullptr || slice.segment.get() == last) continue;
    last = slice.segment.get();
    if (last->evicted()) bytes += last->capacity();
  }
  return bytes;
}

void SubscribeStream::EndPinning() {
  const absl::Status status = WithReason(
      absl::ResourceExhaustedError(absl::StrCat(
          "this reader is too slow: it held memory beyond limits.max_pinned_bytes (",
          core_.hub.limits().max_pinned_bytes,
          "); read faster or use window_bytes, and resume behind ", Describe(DeliveredCursors()))),
      "READER_TOO_SLOW");
  // A status that waits in line behind the batch would wait for the reader.
  // This one overtakes it; it has no room for details, hence the long message.
  grpc_call_cancel_with_status(call_, GRPC_STATUS_RESOURCE_EXHAUSTED,
                               std::string(status.message()).c_str(), nullptr);
  End(status);
}

// The cursors without the batch on the way, which may never arrive.
std::vector<hub::ChannelCursor> SubscribeStream::DeliveredCursors() const {
  std::vector<hub::ChannelCursor> cursors;
  if (!subscription_) return cursors;
  cursors = subscription_->cursors();
  if (!in_flight_) return cursors;
  const auto& batch = in_flight_->batch;
  const auto cursor = std::find_if(cursors.begin(), cursors.end(), [this](const auto& c) {
    return c.channel == in_flight_->channel->name();
  });
  if (cursor == cursors.end()) return cursors;
  if (batch.first_sequence == 0) {
    cursors.erase(cursor);
  } else {
    cursor->cursor = {batch.epoch, batch.first_sequence - 1};
  }
  return cursors;
}

void SubscribeStream::End(const absl::Status& status) {
  const grpc::Status last = ToGrpcStatus(status, DeliveredCursors());
  ended_ = true;
  if (writing_) guard_.WriteDone(guard_place_);
  writing_ = false;
  subscription_.reset();
  in_flight_.reset();
  ClearDeadline();
  Finish(last);  // OnDone() may come before this returns: nothing after it
}

}  // namespace kchan::rpc
