// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/netlink_service.h"

#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/rpc/netlink_description.h"
#include "bridge/rpc/netlink_messages.h"
#include "bridge/rpc/netlink_request_stream.h"
#include "bridge/rpc/refused_stream.h"
#include "bridge/rpc/status.h"

namespace kchan::rpc {
namespace {

constexpr int kMaxMessages = 1000;

absl::Status List(const hub::Hub& hub, const netlink::NetlinkEngine& engine,
                  const v1::ListFamiliesRequest& request, v1::ListFamiliesResponse& response) {
  const auto families = engine.ListFamilies(request.network_namespace());
  if (!families.ok()) return families.status();
  for (const netlink::KnownFamily& family : *families) {
    *response.add_families() = ToProto(family, request.network_namespace(), hub);
  }
  return absl::OkStatus();
}

absl::Status DescribeOne(const hub::Hub& hub, const netlink::NetlinkEngine& engine,
                         const v1::DescribeFamilyRequest& request,
                         v1::DescribeFamilyResponse& response) {
  if (request.family().empty()) return BadField("family", "is needed");
  const auto described = engine.Describe(request.family(), request.network_namespace());
  if (!described.ok()) return described.status();
  auto answer = Describe(*described, request, hub);
  if (!answer.ok()) return answer.status();
  response = *std::move(answer);
  return absl::OkStatus();
}

absl::Status DecodeAll(const netlink::NetlinkEngine& engine, const v1::DecodeRequest& request,
                       v1::DecodeResponse& response) {
  if (request.family().empty()) return BadField("family", "is needed");
  if (request.messages_size() > kMaxMessages) {
    return BadField("messages", absl::StrCat("at most ", kMaxMessages));
  }
  const netlink::MessageDecoder decoder = engine.Decoder(request.family());
  for (const std::string& message : request.messages()) {
    *response.add_messages() =
        ToProto(decoder.DecodeNotification(std::as_bytes(std::span(message))));
  }
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* NetlinkService::OnNetlinkThread(grpc::CallbackServerContext* context,
                                                          std::function<absl::Status()> call) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  // gRPC keeps context, request and response until Finish().
  absl::Status accepted = core_.netlink_threads.Submit(
      [reactor, call = std::move(call)] { reactor->Finish(ToGrpcStatus(call())); });
  if (!accepted.ok()) reactor->Finish(ToGrpcStatus(accepted));
  return reactor;
}

grpc::ServerUnaryReactor* NetlinkService::ListFamilies(grpc::CallbackServerContext* context,
                                                       const v1::ListFamiliesRequest* request,
                                                       v1::ListFamiliesResponse* response) {
  return OnNetlinkThread(context,
                         [=, this] { return List(core_.hub, engine_, *request, *response); });
}

grpc::ServerUnaryReactor* NetlinkService::DescribeFamily(grpc::CallbackServerContext* context,
                                                         const v1::DescribeFamilyRequest* request,
                                                         v1::DescribeFamilyResponse* response) {
  return OnNetlinkThread(
      context, [=, this] { return DescribeOne(core_.hub, engine_, *request, *response); });
}

grpc::ServerWriteReactor<v1::RequestResponse>* NetlinkService::Request(
    grpc::CallbackServerContext* context, const v1::RequestRequest* request) {
  auto wanted = FromProto(*request);
  if (!wanted.ok()) return new RefusedStream<NetlinkRequestStream::Reactor>(wanted.status());
  wanted->has_control = right_ == Right::kControl;
  return NetlinkRequestStream::Start(core_, engine_, *std::move(wanted), *context,
                                     absl::StrCat("by ", context->peer(), " on ", where_));
}

grpc::ServerUnaryReactor* NetlinkService::Decode(grpc::CallbackServerContext* context,
                                                 const v1::DecodeRequest* request,
                                                 v1::DecodeResponse* response) {
  return OnNetlinkThread(context, [=, this] { return DecodeAll(engine_, *request, *response); });
}

}  // namespace kchan::rpc
