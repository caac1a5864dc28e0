// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_NETLINK_SERVICE_H_
#define KCHAN_BRIDGE_RPC_NETLINK_SERVICE_H_

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "bridge/netlink/netlink_engine.h"
#include "bridge/rpc/core.h"
#include "bridge/rpc/entrance.h"
#include "kchan/v1/netlink_service.grpc.pb.h"

namespace kchan::rpc {

// kchan.v1.NetlinkService for the clients of one listener.
//
// Thread safety: gRPC calls it from any of its threads. Nothing here blocks.
class NetlinkService final : public v1::NetlinkService::CallbackService {
 public:
  NetlinkService(Core& core, const netlink::NetlinkEngine& engine, Entrance entrance)
      : core_(core), engine_(engine), entrance_(std::move(entrance)) {}

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
  // Finishes a unary call with what `call` returns, on a thread that may block;
  // at once, if `allowed` is not OK.
  grpc::ServerUnaryReactor* OnNetlinkThread(grpc::CallbackServerContext* context,
                                            const absl::Status& allowed,
                                            std::function<absl::Status()> call);

  Core& core_;
  const netlink::NetlinkEngine& engine_;
  const Entrance entrance_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_NETLINK_SERVICE_H_
