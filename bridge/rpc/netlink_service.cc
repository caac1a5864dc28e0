// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/netlink_service.h"

#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/rpc/caller.h"
#include "bridge/rpc/netlink_description.h"
#include "bridge/rpc/netlink_messages.h"
#include "bridge/rpc/netlink_request_stream.h"
#include "bridge/rpc/refused_stream.h"
#include "bridge/rpc/status.h"

namespace kchan::rpc {
namespace {

constexpr int kMaxMessages = 1000;

absl::Status List(const hub::Hub& hub, const netlink::NetlinkEngine& engine, const Caller& caller,
                  const v1::ListFamiliesRequest& request, v1::ListFamiliesResponse& response) {
  const auto families = engine.ListFamilies(request.network_namespace());
  if (!families.ok()) return families.status();
  for (const netlink::KnownFamily& family : *families) {
    const auto decision =
        caller.grants().NetlinkFamily(family.family.name, request.network_namespace());
    if (!decision.is_allowed()) continue;
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
                                                          const absl::Status& allowed,
                                                          std::function<absl::Status()> call) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!allowed.ok()) {
    reactor->Finish(ToGrpcStatus(allowed));
    return reactor;
  }
  // gRPC keeps context, request and response until Finish().
  absl::Status accepted = core_.netlink_threads.Submit(
      [reactor, call = std::move(call)] { reactor->Finish(ToGrpcStatus(call())); });
  if (!accepted.ok()) reactor->Finish(ToGrpcStatus(accepted));
  return reactor;
}

grpc::ServerUnaryReactor* NetlinkService::ListFamilies(grpc::CallbackServerContext* context,
                                                       const v1::ListFamiliesRequest* request,
                                                       v1::ListFamiliesResponse* response) {
  const Caller caller(core_, entrance_, "ListFamilies", *context);
  return OnNetlinkThread(context, caller.CheckFamily("", request->network_namespace()), [=, this] {
    return List(core_.hub, engine_, caller, *request, *response);
  });
}

grpc::ServerUnaryReactor* NetlinkService::DescribeFamily(grpc::CallbackServerContext* context,
                                                         const v1::DescribeFamilyRequest* request,
                                                         v1::DescribeFamilyResponse* response) {
  const Caller caller(core_, entrance_, "DescribeFamily", *context);
  return OnNetlinkThread(
      context, caller.CheckFamily(request->family(), request->network_namespace()),
      [=, this] { return DescribeOne(core_.hub, engine_, *request, *response); });
}

grpc::ServerWriteReactor<v1::RequestResponse>* NetlinkService::Request(
    grpc::CallbackServerContext* context, const v1::RequestRequest* request) {
  Caller caller(core_, entrance_, "Request", *context);
  if (absl::Status status = caller.CheckFamily(request->family(), request->network_namespace());
      !status.ok()) {
    return new RefusedStream<NetlinkRequestStream::Reactor>(status);
  }
  auto wanted = FromProto(*request);
  if (!wanted.ok()) return new RefusedStream<NetlinkRequestStream::Reactor>(wanted.status());
  return NetlinkRequestStream::Start(core_, engine_, *std::move(wanted), std::move(caller),
                                     *context);
}

grpc::ServerUnaryReactor* NetlinkService::Decode(grpc::CallbackServerContext* context,
                                                 const v1::DecodeRequest* request,
                                                 v1::DecodeResponse* response) {
  const Caller caller(core_, entrance_, "Decode", *context);
  return OnNetlinkThread(context, caller.CheckFamily(request->family()),
                         [=, this] { return DecodeAll(engine_, *request, *response); });
}

}  // namespace kchan::rpc
