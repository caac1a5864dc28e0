// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/node_service.h"

#include <chrono>
#include <memory>

#include "bridge/rpc/caller.h"
#include "bridge/rpc/convert.h"
#include "bridge/rpc/status.h"
#include "google/protobuf/util/time_util.h"

namespace kchan::rpc {

absl::Status NodeService::Tell(const grpc::CallbackServerContext& context,
                               v1::GetNodeResponse& response) {
  const Caller caller(core_, entrance_, "GetNode", context);
  if (absl::Status status = caller.CheckAnything(); !status.ok()) return status;
  *response.mutable_node() = ToProto(core_.options.node, core_.hub.kernel_side());
  return absl::OkStatus();
}

absl::Status NodeService::Tell(const grpc::CallbackServerContext& context,
                               v1::GetStatusResponse& response) {
  const Caller caller(core_, entrance_, "GetStatus", context);
  if (absl::Status status = caller.CheckStatus(); !status.ok()) return status;
  const hub::KernelSideStatus kernel_side = core_.hub.kernel_side();
  *response.mutable_node() = ToProto(core_.options.node, kernel_side);
  response.set_kernel_side(ToProto(kernel_side.state));
  for (const hub::Problem& problem : core_.hub.problems()) {
    *response.add_problems() = ToProto(problem);
  }
  uint64_t spool_bytes = 0;
  for (const std::shared_ptr<hub::Channel>& channel : core_.hub.List()) {
    if (caller.May(security::Right::kRead, channel->name())) {
      *response.add_channels() = ToCounters(*channel);
    }
    if (const auto& history = channel->log().history()) spool_bytes += history->extent().bytes;
  }
  response.set_spool_bytes(spool_bytes);
  response.set_subscriptions(core_.subscriptions.size());
  response.set_log_bytes(core_.hub.memory().log_bytes.load());
  response.set_pinned_bytes(core_.hub.memory().pinned_bytes.load());
  const auto uptime = std::chrono::steady_clock::now() - core_.started;
  *response.mutable_uptime() = google::protobuf::util::TimeUtil::NanosecondsToDuration(
      std::chrono::nanoseconds(uptime).count());
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* NodeService::GetNode(grpc::CallbackServerContext* context,
                                               const v1::GetNodeRequest* /*request*/,
                                               v1::GetNodeResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(Tell(*context, *response)));
  return reactor;
}

grpc::ServerUnaryReactor* NodeService::GetStatus(grpc::CallbackServerContext* context,
                                                 const v1::GetStatusRequest* /*request*/,
                                                 v1::GetStatusResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(Tell(*context, *response)));
  return reactor;
}

}  // namespace kchan::rpc
