// SPDX-License-Identifier: Apache-2.0
#include "kchan/client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <utility>

#include "call.h"
#include "concat.h"
#include "connection.h"
#include "kchan/v1/channel_service.grpc.pb.h"
#include "kchan/v1/node_service.grpc.pb.h"
#include "rpc_status.h"

namespace kchan {
namespace {

// A page's bound in the protocol; a daemon that never stops giving pages must
// not make this one loop for ever.
constexpr size_t kMaxChannels = 100'000;

}  // namespace

Client::Client(ClientOptions options) : options_(std::move(options)) {
  channel_ = NewGrpcChannel(options_);
}

absl::StatusOr<std::shared_ptr<Client>> Client::Connect(ClientOptions options) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  return std::shared_ptr<Client>(new Client(std::move(options)));
}

absl::StatusOr<std::vector<v1::Channel>> Client::ListChannels() {
  std::vector<v1::Channel> channels;
  v1::ListChannelsRequest request;
  do {
    auto page = Call<v1::ListChannelsResponse>(options_, v1::ChannelService::NewStub(channel_),
                                               &v1::ChannelService::Stub::ListChannels, request,
                                               "list the channels");
    if (!page.ok()) return page.status();
    for (v1::Channel& channel : *page->mutable_channels()) channels.push_back(std::move(channel));
    request.set_page_token(page->next_page_token());
    if (channels.size() > kMaxChannels ||
        (page->channels().empty() && !request.page_token().empty())) {
      return absl::DataLossError(
          Concat("list the channels at ", options_.target, ": the pages do not end"));
    }
  } while (!request.page_token().empty());
  return channels;
}

absl::StatusOr<v1::Channel> Client::GetChannel(std::string_view name) {
  v1::GetChannelRequest request;
  request.set_name(std::string(name));
  auto response = Call<v1::GetChannelResponse>(options_, v1::ChannelService::NewStub(channel_),
                                               &v1::ChannelService::Stub::GetChannel, request,
                                               Concat("get channel '", name, "'"));
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_channel());
}

absl::StatusOr<v1::Schema> Client::GetSchema(std::string_view channel, uint64_t schema_id) {
  v1::GetSchemaRequest request;
  request.set_channel(std::string(channel));
  request.set_schema_id(schema_id);
  auto response = Call<v1::GetSchemaResponse>(options_, v1::ChannelService::NewStub(channel_),
                                              &v1::ChannelService::Stub::GetSchema, request,
                                              Concat("get the schema of channel '", channel, "'"));
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_schema());
}

absl::StatusOr<v1::Channel> Client::UpdateChannel(const v1::UpdateChannelRequest& request) {
  auto response = Call<v1::UpdateChannelResponse>(options_, v1::ChannelService::NewStub(channel_),
                                                  &v1::ChannelService::Stub::UpdateChannel, request,
                                                  Concat("update channel '", request.name(), "'"));
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_channel());
}

absl::StatusOr<v1::Node> Client::GetNode() {
  auto response = Call<v1::GetNodeResponse>(options_, v1::NodeService::NewStub(channel_),
                                            &v1::NodeService::Stub::GetNode, v1::GetNodeRequest(),
                                            "get the node");
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_node());
}

absl::StatusOr<v1::GetStatusResponse> Client::GetStatus() {
  return Call<v1::GetStatusResponse>(options_, v1::NodeService::NewStub(channel_),
                                     &v1::NodeService::Stub::GetStatus, v1::GetStatusRequest(),
                                     "get the status");
}

absl::Status Client::WatchChannels(
    std::function<bool(const v1::WatchChannelsResponse&)> on_change) {
  grpc::ClientContext context;
  const auto stub = v1::ChannelService::NewStub(channel_);
  const auto reader = stub->WatchChannels(&context, v1::WatchChannelsRequest());
  v1::WatchChannelsResponse change;
  while (reader->Read(&change)) {
    if (on_change(change)) continue;
    context.TryCancel();
    reader->Finish();
    return absl::OkStatus();
  }
  return FromGrpcStatus(reader->Finish(), Concat("watch the channels at ", options_.target));
}

}  // namespace kchan
