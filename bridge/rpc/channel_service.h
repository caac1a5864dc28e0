// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_CHANNEL_SERVICE_H_
#define KCHAN_BRIDGE_RPC_CHANNEL_SERVICE_H_

#include <string>

#include "bridge/rpc/core.h"
#include "kchan/v1/channel_service.grpc.pb.h"

namespace kchan::rpc {

// kchan.v1.ChannelService for the clients of one listener.
//
// Thread safety: gRPC calls it from any of its threads. Nothing here blocks.
class ChannelService final
    : public v1::ChannelService::WithRawCallbackMethod_Subscribe<
          v1::ChannelService::WithCallbackMethod_ListChannels<
              v1::ChannelService::WithCallbackMethod_GetChannel<
                  v1::ChannelService::WithCallbackMethod_GetSchema<
                      v1::ChannelService::WithCallbackMethod_WatchChannels<
                          v1::ChannelService::WithCallbackMethod_Publish<
                              v1::ChannelService::WithCallbackMethod_UpdateChannel<
                                  v1::ChannelService::Service>>>>>>> {
 public:
  // `where` names the listener for messages.
  ChannelService(Core& core, Right right, std::string where)
      : core_(core), right_(right), where_(std::move(where)) {}

  grpc::ServerUnaryReactor* ListChannels(grpc::CallbackServerContext* context,
                                         const v1::ListChannelsRequest* request,
                                         v1::ListChannelsResponse* response) override;
  grpc::ServerUnaryReactor* GetChannel(grpc::CallbackServerContext* context,
                                       const v1::GetChannelRequest* request,
                                       v1::GetChannelResponse* response) override;
  grpc::ServerUnaryReactor* GetSchema(grpc::CallbackServerContext* context,
                                      const v1::GetSchemaRequest* request,
                                      v1::GetSchemaResponse* response) override;
  grpc::ServerUnaryReactor* UpdateChannel(grpc::CallbackServerContext* context,
                                          const v1::UpdateChannelRequest* request,
                                          v1::UpdateChannelResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchChannelsResponse>* WatchChannels(
      grpc::CallbackServerContext* context, const v1::WatchChannelsRequest* request) override;
  grpc::ServerBidiReactor<v1::PublishRequest, v1::PublishResponse>* Publish(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Subscribe(
      grpc::CallbackServerContext* context) override;

 private:
  // PERMISSION_DENIED if this listener's clients may only read.
  absl::Status CheckControl(const char* method, const grpc::CallbackServerContext& context) const;
  // "by PEER on LISTENER", for the audit.
  std::string Caller(const grpc::CallbackServerContext& context) const;

  Core& core_;
  const Right right_;
  const std::string where_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_CHANNEL_SERVICE_H_
