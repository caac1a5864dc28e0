// SPDX-License-Identifier: Apache-2.0
#include "kchan/netlink.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <utility>

#include "call.h"
#include "concat.h"
#include "kchan/v1/netlink_service.grpc.pb.h"
#include "rpc_status.h"

namespace kchan {
namespace {

using Stub = v1::NetlinkService::Stub;

}  // namespace

absl::StatusOr<std::vector<v1::NetlinkFamily>> ListNetlinkFamilies(
    const Client& client, std::string_view network_namespace) {
  v1::ListFamiliesRequest request;
  request.set_network_namespace(std::string(network_namespace));
  auto response = Call<v1::ListFamiliesResponse>(
      client.options(), v1::NetlinkService::NewStub(client.grpc_channel()), &Stub::ListFamilies,
      request, "list netlink families");
  if (!response.ok()) return response.status();
  return std::vector<v1::NetlinkFamily>(response->families().begin(), response->families().end());
}

absl::StatusOr<v1::DescribeFamilyResponse> DescribeNetlinkFamily(const Client& client,
                                                                 std::string_view family,
                                                                 std::string_view network_namespace,
                                                                 std::string_view operation) {
  v1::DescribeFamilyRequest request;
  request.set_family(std::string(family));
  request.set_network_namespace(std::string(network_namespace));
  request.set_operation(std::string(operation));
  return Call<v1::DescribeFamilyResponse>(
      client.options(), v1::NetlinkService::NewStub(client.grpc_channel()), &Stub::DescribeFamily,
      request, Concat("describe netlink family '", family, "'"));
}

absl::StatusOr<std::vector<v1::NetlinkMessage>> DecodeNetlink(
    const Client& client, std::string_view family, const std::vector<std::string>& messages) {
  v1::DecodeRequest request;
  request.set_family(std::string(family));
  request.mutable_messages()->Assign(messages.begin(), messages.end());
  auto response = Call<v1::DecodeResponse>(
      client.options(), v1::NetlinkService::NewStub(client.grpc_channel()), &Stub::Decode, request,
      Concat("decode messages of netlink family '", family, "'"));
  if (!response.ok()) return response.status();
  if (static_cast<size_t>(response->messages_size()) != messages.size()) {
    return absl::DataLossError(Concat("decode messages of netlink family '", family, "' at ",
                                      client.options().target, ": got ", response->messages_size(),
                                      " of ", messages.size()));
  }
  return std::vector<v1::NetlinkMessage>(response->messages().begin(), response->messages().end());
}

class NetlinkRequest::Impl {
 public:
  Impl(const Client& client, const v1::RequestRequest& request, absl::Duration timeout)
      : operation_(Concat("netlink request at ", client.options().target)),
        stub_(v1::NetlinkService::NewStub(client.grpc_channel())) {
    SetDeadline(context_, timeout);
    stream_ = stub_->Request(&context_, request);
  }

  ~Impl() {
    context_.TryCancel();
    Finish().IgnoreError();
  }

  absl::StatusOr<std::optional<v1::RequestResponse>> Next() {
    v1::RequestResponse response;
    if (!finished_ && stream_->Read(&response)) return std::optional(std::move(response));
    if (absl::Status status = Finish(); !status.ok()) return status;
    return std::optional<v1::RequestResponse>();
  }

  void Cancel() { context_.TryCancel(); }

 private:
  absl::Status Finish() {
    if (!std::exchange(finished_, true)) status_ = FromGrpcStatus(stream_->Finish(), operation_);
    return status_;
  }

  const std::string operation_;
  const std::unique_ptr<Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::RequestResponse>> stream_;
  bool finished_ = false;
  absl::Status status_;
};

std::unique_ptr<NetlinkRequest> NetlinkRequest::Open(const Client& client,
                                                     const v1::RequestRequest& request,
                                                     absl::Duration timeout) {
  return std::unique_ptr<NetlinkRequest>(
      new NetlinkRequest(std::make_unique<Impl>(client, request, timeout)));
}
NetlinkRequest::NetlinkRequest(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NetlinkRequest::~NetlinkRequest() = default;
absl::StatusOr<std::optional<v1::RequestResponse>> NetlinkRequest::Next() { return impl_->Next(); }
void NetlinkRequest::Cancel() { impl_->Cancel(); }

}  // namespace kchan
