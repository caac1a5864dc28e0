// SPDX-License-Identifier: Apache-2.0
#include "kchan/subscription.h"

#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "backoff.h"
#include "concat.h"
#include "kchan/error.h"
#include "progress.h"
#include "response_parser.h"
#include "rpc_status.h"
#include "subscribe_stream.h"

namespace kchan {

class Subscription::Impl {
 public:
  Impl(const Client& client, SubscriptionOptions options)
      : operation_(Concat("subscribe at ", client.options().target)),
        options_(std::move(options)),
        stub_(client.grpc_channel()),
        progress_(options_.open),
        backoff_(options_.backoff) {}

  ~Impl() {
    Cancel();
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  absl::StatusOr<Delivery> Next(absl::Time deadline) {
    AcknowledgeDelivered();
    if (complete_) return Delivery(Ended());
    while (end_.ok()) {
      if (!stream_ && absl::Now() >= retry_at_) Open();
      if (stream_) Request();
      void* tag;
      bool ok;
      const absl::Time until = stream_ ? deadline : std::min(deadline, retry_at_);
      const auto next = queue_.AsyncNext(&tag, &ok, absl::ToChronoTime(until));
      if (next == grpc::CompletionQueue::TIMEOUT) {
        if (absl::Now() >= deadline) return absl::DeadlineExceededError("nothing came in time");
        continue;
      }
      std::optional<Delivery> delivery = OnTag(tag, ok);
      if (delivery) return *std::move(delivery);
    }
    return end_;
  }

  void Cancel() {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (stream_) stream_->TryCancel();
    Wake();
  }

  void Acknowledge(const v1::Cursor& cursor) {
    std::lock_guard lock(mutex_);
    acknowledged_[cursor.channel()] = cursor;
    Wake();
  }

  void SetPaused(bool paused) { paused_ = paused; }

  std::vector<v1::Cursor> cursors() const { return progress_.cursors(); }
  NodeClock clock() const { return clock_; }

 private:
  // Makes Next() look around, from any thread. An alarm can be set only once
  // at a time.
  void Wake() {
    if (std::exchange(waking_, true)) return;
    alarm_.Set(&queue_, std::chrono::system_clock::now(), &alarm_);
  }

  void Open() {
    auto stream = std::make_unique<SubscribeStream>(stub_, queue_, progress_.NextOpen());
    std::lock_guard lock(mutex_);
    stream_ = std::move(stream);
    if (cancelled_) stream_->TryCancel();
    acknowledged_.clear();
    told_paused_ = false;
    delivered_.reset();
  }

  // Reads on, and sends what is to be said.
  void Request() {
    if (unread_) {
      unread_ = false;
      stream_->Read();
    }
    if (!stream_->can_write()) return;
    v1::SubscribeRequest request;
    if (paused_ != told_paused_) {
      told_paused_ = paused_;
      if (paused_) {
        request.mutable_pause();
      } else {
        request.mutable_resume();
      }
    } else if (!TakeAcknowledged(request.mutable_acknowledge())) {
      return;
    }
    stream_->Write(request);
  }

  bool TakeAcknowledged(v1::SubscribeRequest::Acknowledge* acknowledge) {
    std::lock_guard lock(mutex_);
    for (auto& [channel, cursor] : acknowledged_) {
      // What a broken stream gave out means nothing to its successor.
      if (progress_.GaveOut(cursor)) *acknowledge->add_cursors() = std::move(cursor);
    }
    acknowledged_.clear();
    return acknowledge->cursors_size() > 0;
  }

  void AcknowledgeDelivered() {
    if (!delivered_) return;
    if (options_.acknowledge_automatically && options_.open.window_bytes() > 0) {
      std::lock_guard lock(mutex_);
      acknowledged_[delivered_->channel()] = *delivered_;
    }
    delivered_.reset();
  }

  std::optional<Delivery> OnTag(void* tag, bool ok) {
    if (tag == &alarm_) {
      std::lock_guard lock(mutex_);
      waking_ = false;
      if (cancelled_) end_ = absl::CancelledError(Concat(operation_, ": cancelled"));
      return std::nullopt;
    }
    switch (stream_->OnTag(tag, ok)) {
      case SubscribeStream::Outcome::kMessage:
        return OnMessage();
      case SubscribeStream::Outcome::kEnded:
        return OnEnded();
      case SubscribeStream::Outcome::kNothing:
        break;
    }
    return std::nullopt;
  }

  std::optional<Delivery> OnMessage() {
    unread_ = true;
    auto parsed = ParseResponse(stream_->message(), &batch_);
    if (!parsed.ok()) return Fail(parsed.status());
    std::optional<Delivery>& delivery = *parsed;
    if (!delivery) return std::nullopt;
    if (absl::Status status = std::visit(*this, *delivery); !status.ok()) return Fail(status);
    const bool is_batch = std::holds_alternative<const BatchView*>(*delivery);
    if (is_batch && batch_.records().empty() && batch_.lost().empty() &&
        batch_.first_sequence() == 0) {
      return std::nullopt;  // all of it was delivered before the stream broke
    }
    return std::move(delivery);
  }

  std::optional<Delivery> OnEnded() {
    absl::Status status = FromGrpcStatus(stream_->status(), operation_);
    const bool has_stopped = status.ok() && options_.open.has_stop();
    if (status.ok()) {
      status = absl::UnavailableError(Concat(operation_, ": the daemon ended the stream"));
    }
    {
      std::lock_guard lock(mutex_);
      stream_.reset();
      if (cancelled_) status = absl::CancelledError(Concat(operation_, ": cancelled"));
      complete_ = !cancelled_ && (has_stopped || progress_.complete());
      if (complete_) return Ended();
      if (cancelled_ || !options_.reconnect || !IsTransient(status)) {
        end_ = status;
        return std::nullopt;
      }
    }
    unread_ = false;
    const absl::Duration wait = backoff_.Next(RetryDelay(status));
    retry_at_ = absl::Now() + wait;
    return Disconnected{std::move(status), wait};
  }

  bool IsTransient(const absl::Status& status) const {
    switch (status.code()) {
      case absl::StatusCode::kUnavailable:
      case absl::StatusCode::kResourceExhausted:
        return true;
      // A proxy or a dying daemon resets a stream with CANCELLED; a daemon that
      // starts may not have found its channels yet.
      case absl::StatusCode::kCancelled:
      case absl::StatusCode::kNotFound:
        return progress_.begun();
      default:
        return false;
    }
  }

  // The other end cannot be trusted any more.
  std::optional<Delivery> Fail(const absl::Status& status) {
    end_ = absl::Status(status.code(), Concat(operation_, ": ", status.message()));
    stream_->TryCancel();
    return std::nullopt;
  }

 public:
  // What each kind of response means to the subscription itself.
  absl::Status operator()(const BatchView*) {
    absl::Status status = progress_.OnBatch(&batch_);
    if (!status.ok()) return status;
    backoff_.Reset();
    v1::Cursor& cursor = delivered_.emplace();
    cursor.set_channel(std::string(batch_.channel()));
    cursor.set_epoch(batch_.epoch());
    cursor.set_sequence(batch_.last_sequence());
    return absl::OkStatus();
  }
  absl::Status operator()(const v1::SubscribeResponse::Hello& hello) {
    clock_ = NodeClock(hello.clock_offset_ns());
    return progress_.OnHello(hello);
  }
  absl::Status operator()(const v1::SubscribeResponse::Heartbeat& heartbeat) {
    clock_ = NodeClock(heartbeat.clock_offset_ns());
    return progress_.OnHeartbeat(heartbeat);
  }
  absl::Status operator()(const v1::SubscribeResponse::HistoryEnd& end) {
    return progress_.OnHistoryEnd(end);
  }
  absl::Status operator()(const v1::SubscribeResponse::ChannelUpdate&) { return absl::OkStatus(); }
  absl::Status operator()(const Disconnected&) { return absl::OkStatus(); }
  absl::Status operator()(const Ended&) { return absl::OkStatus(); }

 private:
  const std::string operation_;
  const SubscriptionOptions options_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;

  // The reader's thread only.
  Progress progress_;
  Backoff backoff_;
  BatchView batch_;
  NodeClock clock_;
  absl::Time retry_at_ = absl::InfinitePast();
  absl::Status end_;
  bool complete_ = false;  // ended as open.stop says
  bool unread_ = false;    // a message was taken and the next not asked for
  bool paused_ = false;
  bool told_paused_ = false;
  std::optional<v1::Cursor> delivered_;  // by the last Next()

  // Guards what follows, and stream_ against Cancel().
  std::mutex mutex_;
  bool cancelled_ = false;
  bool waking_ = false;
  grpc::Alarm alarm_;
  std::map<std::string, v1::Cursor> acknowledged_;  // and not sent yet
  std::unique_ptr<SubscribeStream> stream_;
};

Subscription::Subscription(const Client& client, SubscriptionOptions options)
    : impl_(std::make_unique<Impl>(client, std::move(options))) {}
Subscription::~Subscription() = default;

absl::StatusOr<Delivery> Subscription::Next(absl::Time deadline) { return impl_->Next(deadline); }
void Subscription::Cancel() { impl_->Cancel(); }
void Subscription::Acknowledge(const v1::Cursor& cursor) { impl_->Acknowledge(cursor); }
void Subscription::Pause() { impl_->SetPaused(true); }
void Subscription::Resume() { impl_->SetPaused(false); }
std::vector<v1::Cursor> Subscription::cursors() const { return impl_->cursors(); }
NodeClock Subscription::clock() const { return impl_->clock(); }

}  // namespace kchan
