// SPDX-License-Identifier: Apache-2.0
#include "kchan/publisher.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "concat.h"
#include "kchan/v1/channel_service.grpc.pb.h"
#include "rpc_status.h"

namespace kchan {

class Publisher::Impl {
 public:
  Impl(const Client& client, absl::Duration timeout)
      : target_(client.options().target),
        stub_(v1::ChannelService::NewStub(client.grpc_channel())) {
    if (timeout != absl::InfiniteDuration()) {
      context_.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    }
    stream_ = stub_->Publish(&context_);
  }

  ~Impl() {
    context_.TryCancel();
    Finish().IgnoreError();
  }

  absl::Status Publish(std::string_view channel, uint32_t type, std::string_view payload) {
    const std::string operation = Concat("send to channel '", channel, "' at ", target_);
    v1::PublishRequest request;
    request.set_request_id(++last_request_id_);
    request.set_channel(std::string(channel));
    request.set_type(type);
    request.set_payload(std::string(payload));
    v1::PublishResponse response;
    if (finished_ || !stream_->Write(request) || !stream_->Read(&response)) {
      absl::Status status = Finish();
      if (!status.ok()) return status;
      return absl::UnavailableError(Concat(operation, ": the daemon ended the stream"));
    }
    if (response.request_id() != last_request_id_) {
      context_.TryCancel();
      Finish().IgnoreError();
      return absl::DataLossError(Concat(operation, ": request ", last_request_id_,
                                        " was answered by response ", response.request_id()));
    }
    kernel_errno_ = response.kernel_errno();
    return FromRpcStatus(response.status(), operation);
  }

  absl::Status Close() {
    if (!finished_) stream_->WritesDone();
    return Finish();
  }

  int kernel_errno() const { return kernel_errno_; }

 private:
  absl::Status Finish() {
    if (!std::exchange(finished_, true)) {
      status_ = FromGrpcStatus(stream_->Finish(), Concat("publish to ", target_));
    }
    return status_;
  }

  const std::string target_;
  const std::unique_ptr<v1::ChannelService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PublishRequest, v1::PublishResponse>> stream_;
  uint64_t last_request_id_ = 0;
  int kernel_errno_ = 0;
  bool finished_ = false;
  absl::Status status_;
};

std::unique_ptr<Publisher> Publisher::Open(const Client& client, absl::Duration timeout) {
  return std::unique_ptr<Publisher>(new Publisher(std::make_unique<Impl>(client, timeout)));
}

Publisher::Publisher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Publisher::~Publisher() = default;

absl::Status Publisher::Publish(std::string_view channel, uint32_t type, std::string_view payload) {
  return impl_->Publish(channel, type, payload);
}

int Publisher::kernel_errno() const { return impl_->kernel_errno(); }

absl::Status Publisher::Close() { return impl_->Close(); }

}  // namespace kchan
