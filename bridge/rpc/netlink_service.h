// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_NETLINK_SERVICE_H_
#define KCHAN_BRIDGE_RPC_NETLINK_SERVICE_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "bridge/netlink/netlink_engine.h"
#include "bridge/rpc/core.h"
#include "kchan/v1/netlink_service.grpc.pb.h"

namespace kchan::rpc {

// kchan.v1.NetlinkService for the clients of one listener.
//
// Thread safety: gRPC calls it from any of its threads. Nothing here blocks.
class NetlinkService final : public v1::NetlinkService::CallbackService {
 public:
  // `where` names the listener for messages.
  NetlinkService(Core& core, const netlink::NetlinkEngine& engine, Right right, std::string where)
      : core_(core), engine_(engine), right_(right), where_(std::move(where)) {}

  grpc::ServerUnaryReactor* ListFamilies(grpc::CallbackServerContext* context,
                                         const v1::ListFamiliesRequest* request,
                                         v1::ListFamiliesResponse* response) override;
  grpc::ServerUnaryReactor* DescribeFamily(grpc::CallbackServerContext* context,
                                           const v1::DescribeFamilyRequest* request,
                                           v1::DescribeFamilyResponse* response) override;
  grpc::ServerWriteReactor<v1::RequestResponse>* Request(
      grpc::CallbackServerContext* context, const v1::RequestRequest* request) override;
  grpc::ServerUnaryReactor* Decode(grpc::CallbackServerContext* context,
                                   const v1::DecodeRequest* request,
                                   v1::DecodeResponse* response) override;

 private:
  // Finishes a unary call with what `call` returns, on a thread that may block.
  grpc::ServerUnaryReactor* OnNetlinkThread(grpc::CallbackServerContext* context,
                                            std::function<absl::Status()> call);

  Core& core_;
  const netlink::NetlinkEngine& engine_;
  const Right right_;
  const std::string where_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_NETLINK_SERVICE_H_
