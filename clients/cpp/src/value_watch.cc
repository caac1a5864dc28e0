// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "backoff.h"
#include "concat.h"
#include "kchan/error.h"
#include "kchan/v1/channel_service.grpc.pb.h"
#include "kchan/values.h"
#include "rpc_status.h"

namespace kchan {
namespace {

void SetDuration(absl::Duration from, google::protobuf::Duration& to) {
  to.set_seconds(absl::IDivDuration(from, absl::Seconds(1), &from));
  to.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(from)));
}

v1::WatchValuesRequest RequestOf(const ValueWatchOptions& options) {
  v1::WatchValuesRequest request;
  for (const std::string& channel : options.channels) request.add_channels(channel);
  if (options.sample_interval > absl::ZeroDuration()) {
    SetDuration(options.sample_interval, *request.mutable_sample_interval());
  }
  if (options.heartbeat_interval > absl::ZeroDuration()) {
    SetDuration(options.heartbeat_interval, *request.mutable_heartbeat_interval());
  }
  request.set_suppress_redundant(options.suppress_redundant);
  return request;
}

// One call of WatchValues. Destroy it only when it has ended, or after the
// completion queue has been drained: until then gRPC holds pointers into it.
struct Stream {
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientAsyncReader<v1::WatchValuesResponse>> rpc;
  v1::WatchValuesResponse response;
  grpc::Status status;
  char read_tag = 0;
  char finish_tag = 0;
};

}  // namespace

class ValueWatch::Impl {
 public:
  Impl(const Client& client, ValueWatchOptions options)
      : operation_(Concat("watch values at ", client.options().target)),
        options_(std::move(options)),
        request_(RequestOf(options_)),
        stub_(v1::ChannelService::NewStub(client.grpc_channel())),
        backoff_(options_.backoff) {}

  ~Impl() {
    Cancel();
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  absl::StatusOr<ValueDelivery> Next(absl::Time deadline) {
    while (end_.ok()) {
      if (!stream_ && absl::Now() >= retry_at_) Open();
      if (stream_ && std::exchange(unread_, false)) {
        stream_->rpc->Read(&stream_->response, &stream_->read_tag);
      }
      void* tag;
      bool ok;
      const absl::Time until = stream_ ? deadline : std::min(deadline, retry_at_);
      const auto next = queue_.AsyncNext(&tag, &ok, absl::ToChronoTime(until));
      if (next == grpc::CompletionQueue::TIMEOUT) {
        if (absl::Now() >= deadline) return absl::DeadlineExceededError("nothing came in time");
        continue;
      }
      std::optional<ValueDelivery> delivery = OnTag(tag, ok);
      if (delivery) return *std::move(delivery);
    }
    return end_;
  }

  // Makes Next() look around, from any thread. An alarm can be set only once at
  // a time.
  void Cancel() {
    std::lock_guard lock(mutex_);
    if (std::exchange(cancelled_, true)) return;
    if (stream_) stream_->context.TryCancel();
    alarm_.Set(&queue_, std::chrono::system_clock::now(), &alarm_);
  }

 private:
  // The start of the call has no tag of its own: its first read waits for it.
  void Open() {
    std::lock_guard lock(mutex_);
    stream_ = std::make_unique<Stream>();
    stream_->rpc = stub_->PrepareAsyncWatchValues(&stream_->context, request_, &queue_);
    stream_->rpc->StartCall(&start_tag_);
    if (cancelled_) stream_->context.TryCancel();
  }

  std::optional<ValueDelivery> OnTag(void* tag, bool ok) {
    if (tag == &alarm_) {
      end_ = absl::CancelledError(Concat(operation_, ": cancelled"));
    } else if (tag == &stream_->finish_tag) {
      return OnEnded();
    } else if (!ok) {
      stream_->rpc->Finish(&stream_->status, &stream_->finish_tag);
    } else {
      unread_ = true;
      if (tag == &stream_->read_tag) return OnResponse();
    }
    return std::nullopt;
  }

  std::optional<ValueDelivery> OnResponse() {
    begun_ = true;
    backoff_.Reset();
    if (stream_->response.synced()) return ValuesSynced{};
    if (!stream_->response.has_update()) return std::nullopt;  // of a newer daemon
    v1::WatchValuesResponse::Update update = std::move(*stream_->response.mutable_update());
    CountAcrossStreams(update);
    return update;
  }

  // A new stream does not know what its predecessor has sent.
  void CountAcrossStreams(v1::WatchValuesResponse::Update& update) {
    if (!update.has_values()) return;
    const v1::Values& values = update.values();
    Seen& seen = seen_[update.channel()];
    if (std::exchange(seen.stream, streams_) != streams_ && seen.any &&
        seen.generation == values.generation() && seen.version < values.version()) {
      update.set_duplicates(values.version() - seen.version - 1);
    }
    seen.any = true;
    seen.generation = values.generation();
    seen.version = values.version();
  }

  std::optional<ValueDelivery> OnEnded() {
    absl::Status status = FromGrpcStatus(stream_->status, operation_);
    if (status.ok()) {
      status = absl::UnavailableError(Concat(operation_, ": the daemon ended the stream"));
    }
    {
      std::lock_guard lock(mutex_);
      stream_.reset();
      if (cancelled_) status = absl::CancelledError(Concat(operation_, ": cancelled"));
      if (cancelled_ || !options_.reconnect || !IsTransient(status)) {
        end_ = status;
        return std::nullopt;
      }
    }
    unread_ = false;
    ++streams_;
    const absl::Duration wait = backoff_.Next(RetryDelay(status));
    retry_at_ = absl::Now() + wait;
    return Disconnected{std::move(status), wait};
  }

  bool IsTransient(const absl::Status& status) const {
    if (absl::IsUnavailable(status) || absl::IsResourceExhausted(status)) return true;
    return begun_ && (absl::IsCancelled(status) || absl::IsNotFound(status));
  }

  // What was last delivered of a channel, and by which stream.
  struct Seen {
    uint64_t stream = 0;
    bool any = false;
    uint64_t generation = 0;
    uint64_t version = 0;
  };

  const std::string operation_;
  const ValueWatchOptions options_;
  const v1::WatchValuesRequest request_;
  const std::unique_ptr<v1::ChannelService::Stub> stub_;
  grpc::CompletionQueue queue_;

  // The reader's thread only.
  Backoff backoff_;
  absl::Time retry_at_ = absl::InfinitePast();
  absl::Status end_;
  std::map<std::string, Seen> seen_;
  uint64_t streams_ = 1;
  char start_tag_ = 0;
  bool unread_ = false;  // nothing has been asked for
  bool begun_ = false;

  // Guards what follows, and stream_ against Cancel().
  std::mutex mutex_;
  bool cancelled_ = false;
  grpc::Alarm alarm_;
  std::unique_ptr<Stream> stream_;
};

ValueWatch::ValueWatch(const Client& client, ValueWatchOptions options)
    : impl_(std::make_unique<Impl>(client, std::move(options))) {}
ValueWatch::~ValueWatch() = default;

absl::StatusOr<ValueDelivery> ValueWatch::Next(absl::Time deadline) {
  return impl_->Next(deadline);
}
void ValueWatch::Cancel() { impl_->Cancel(); }

}  // namespace kchan
