// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/channel_service.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/rpc/channel_lookup.h"
#include "bridge/rpc/convert.h"
#include "bridge/rpc/publish_stream.h"
#include "bridge/rpc/refused_stream.h"
#include "bridge/rpc/status.h"
#include "bridge/rpc/subscribe_stream.h"
#include "bridge/rpc/watch_stream.h"

namespace kchan::rpc {
namespace {

constexpr int kMaxPageSize = 1000;

// One page; its token is the last name of the page before.
absl::Status List(const hub::Hub& hub, const Caller& caller, const v1::ListChannelsRequest& request,
                  v1::ListChannelsResponse& response) {
  if (absl::Status status = caller.CheckAny(security::Right::kRead); !status.ok()) return status;
  if (request.page_size() < 0) return BadField("page_size", "must not be negative");
  const int page_size =
      request.page_size() == 0 ? kMaxPageSize : std::min(request.page_size(), kMaxPageSize);
  for (const std::shared_ptr<hub::Channel>& channel : hub.List()) {
    if (!request.page_token().empty() && channel->name() <= request.page_token()) continue;
    if (!caller.May(security::Right::kRead, channel->name())) continue;
    if (response.channels_size() == page_size) {
      response.set_next_page_token(response.channels(page_size - 1).name());
      break;
    }
    *response.add_channels() = ToProto(*channel);
  }
  return absl::OkStatus();
}

absl::Status Get(const hub::Hub& hub, const Caller& caller, const v1::GetChannelRequest& request,
                 v1::GetChannelResponse& response) {
  if (absl::Status status = caller.CheckSees(request.name()); !status.ok()) return status;
  const auto channel = FindChannel(hub, request.name());
  if (!channel.ok()) return channel.status();
  *response.mutable_channel() = ToProto(**channel);
  return absl::OkStatus();
}

// One of the channel's, or one that a field mask has made of such.
std::shared_ptr<const hub::Schema> Find(const Core& core, const hub::Channel& channel,
                                        uint64_t schema_id) {
  if (schema_id == 0) return channel.snapshot().schema;
  if (auto schema = channel.FindSchema(schema_id)) return schema;
  return core.field_masks.FindSchema(channel.name(), schema_id);
}

absl::Status Get(const Core& core, const Caller& caller, const v1::GetSchemaRequest& request,
                 v1::GetSchemaResponse& response) {
  if (absl::Status status = caller.CheckSees(request.channel()); !status.ok()) return status;
  const auto channel = FindChannel(core.hub, request.channel());
  if (!channel.ok()) return channel.status();
  const auto schema = Find(core, **channel, request.schema_id());
  if (schema == nullptr) {
    return WithReason(absl::NotFoundError(absl::StrCat(
                          "channel ", request.channel(), " has no schema",
                          request.schema_id() == 0 ? std::string(" yet")
                                                   : absl::StrCat(" ", request.schema_id()))),
                      "NO_SUCH_SCHEMA");
  }
  *response.mutable_schema() = ToProto(*schema);
  return absl::OkStatus();
}

absl::Status Update(const hub::Hub& hub, const v1::UpdateChannelRequest& request,
                    v1::UpdateChannelResponse& response) {
  const auto channel = FindChannel(hub, request.name());
  if (!channel.ok()) return channel.status();
  auto settings = FromProto(request, *(*channel)->snapshot().description);
  if (!settings.ok()) return settings.status();
  const auto door = FindDoor(hub);
  if (!door.ok()) return door.status();
  absl::Status status = (*door)->Update(request.name(), *settings).status;
  if (!status.ok()) return status;
  *response.mutable_channel() = ToProto(**channel);
  return absl::OkStatus();
}

// For the audit.
std::string Describe(const v1::UpdateChannelRequest& request) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : request.parameters()) {
    parts.push_back(absl::StrCat(name, "=", value));
  }
  std::sort(parts.begin(), parts.end());
  if (request.has_budget_bytes()) {
    parts.push_back(absl::StrCat("budget_bytes=", request.budget_bytes()));
  }
  if (request.has_linger_ms()) parts.push_back(absl::StrCat("linger_ms=", request.linger_ms()));
  return absl::StrJoin(parts, " ");
}

}  // namespace

grpc::ServerUnaryReactor* ChannelService::Finish(grpc::CallbackServerContext* context,
                                                 const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerUnaryReactor* ChannelService::OnDoorThread(grpc::CallbackServerContext* context,
                                                       std::function<absl::Status()> call) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  // gRPC keeps context, request and response until Finish().
  absl::Status accepted = core_.door_threads.Submit(
      [reactor, call = std::move(call)] { reactor->Finish(ToGrpcStatus(call())); });
  if (!accepted.ok()) reactor->Finish(ToGrpcStatus(accepted));
  return reactor;
}

grpc::ServerUnaryReactor* ChannelService::ListChannels(grpc::CallbackServerContext* context,
                                                       const v1::ListChannelsRequest* request,
                                                       v1::ListChannelsResponse* response) {
  return Finish(context, List(core_.hub, CallerOf("ListChannels", context), *request, *response));
}

grpc::ServerUnaryReactor* ChannelService::GetChannel(grpc::CallbackServerContext* context,
                                                     const v1::GetChannelRequest* request,
                                                     v1::GetChannelResponse* response) {
  return Finish(context, Get(core_.hub, CallerOf("GetChannel", context), *request, *response));
}

grpc::ServerUnaryReactor* ChannelService::GetSchema(grpc::CallbackServerContext* context,
                                                    const v1::GetSchemaRequest* request,
                                                    v1::GetSchemaResponse* response) {
  return Finish(context, Get(core_, CallerOf("GetSchema", context), *request, *response));
}

grpc::ServerUnaryReactor* ChannelService::UpdateChannel(grpc::CallbackServerContext* context,
                                                        const v1::UpdateChannelRequest* request,
                                                        v1::UpdateChannelResponse* response) {
  const Caller caller = CallerOf("UpdateChannel", context);
  if (absl::Status status = caller.Check(security::Right::kControl, request->name());
      !status.ok()) {
    return Finish(context, status);
  }
  return OnDoorThread(context, [=, this] {
    absl::Status status = Update(core_.hub, *request, *response);
    caller.AuditChannel(security::Right::kControl, request->name(), Describe(*request),
                        absl::StatusCodeToString(status.code()));
    return status;
  });
}

grpc::ServerWriteReactor<v1::WatchChannelsResponse>* ChannelService::WatchChannels(
    grpc::CallbackServerContext* context, const v1::WatchChannelsRequest* /*request*/) {
  Caller caller = CallerOf("WatchChannels", context);
  if (absl::Status status = caller.CheckAny(security::Right::kRead); !status.ok()) {
    return new RefusedStream<WatchStream::Reactor>(status);
  }
  return WatchStream::Start(core_, std::move(caller));
}

grpc::ServerBidiReactor<v1::PublishRequest, v1::PublishResponse>* ChannelService::Publish(
    grpc::CallbackServerContext* context) {
  Caller caller = CallerOf("Publish", context);
  if (absl::Status status = caller.CheckAny(security::Right::kWrite); !status.ok()) {
    return new RefusedStream<PublishStream::Reactor>(status);
  }
  return PublishStream::Start(core_, std::move(caller));
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ChannelService::Subscribe(
    grpc::CallbackServerContext* context) {
  Caller caller = CallerOf("Subscribe", context);
  if (absl::Status status = caller.CheckAny(security::Right::kRead); !status.ok()) {
    return new RefusedStream<SubscribeStream::Reactor>(status);
  }
  return SubscribeStream::Start(core_, std::move(caller), context);
}

}  // namespace kchan::rpc
