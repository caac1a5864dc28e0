// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_NODE_SERVICE_H_
#define KCHAN_BRIDGE_RPC_NODE_SERVICE_H_

#include <utility>

#include "absl/status/status.h"
#include "bridge/rpc/core.h"
#include "bridge/rpc/entrance.h"
#include "kchan/v1/node_service.grpc.pb.h"

namespace kchan::rpc {

// kchan.v1.NodeService.
//
// Thread safety: gRPC calls it from any of its threads. Nothing here blocks.
class NodeService final : public v1::NodeService::CallbackService {
 public:
  NodeService(Core& core, Entrance entrance) : core_(core), entrance_(std::move(entrance)) {}

  grpc::ServerUnaryReactor* GetNode(grpc::CallbackServerContext* context,
                                    const v1::GetNodeRequest* request,
                                    v1::GetNodeResponse* response) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const v1::GetStatusRequest* request,
                                      v1::GetStatusResponse* response) override;

 private:
  absl::Status Tell(const grpc::CallbackServerContext& context, v1::GetNodeResponse& response);
  absl::Status Tell(const grpc::CallbackServerContext& context, v1::GetStatusResponse& response);

  Core& core_;
  const Entrance entrance_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_NODE_SERVICE_H_
