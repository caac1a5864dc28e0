// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_CHANNEL_SERVICE_H_
#define KCHAN_BRIDGE_RPC_CHANNEL_SERVICE_H_

#include <functional>
#include <utility>

#include "bridge/hub/kernel_door.h"
#include "bridge/rpc/caller.h"
#include "bridge/rpc/core.h"
#include "bridge/rpc/entrance.h"
#include "kchan/v1/channel_service.grpc.pb.h"

namespace kchan::rpc {

namespace internal {

// gRPC's class of all methods by callback, with Subscribe on raw messages. Its
// own ChannelService::CallbackService would have Subscribe in both ways.
using Reading = v1::ChannelService::WithCallbackMethod_ListChannels<
    v1::ChannelService::WithCallbackMethod_GetChannel<
        v1::ChannelService::WithCallbackMethod_GetSchema<
            v1::ChannelService::WithCallbackMethod_WatchChannels<v1::ChannelService::Service>>>>;
using Writing = v1::ChannelService::WithCallbackMethod_Publish<
    v1::ChannelService::WithCallbackMethod_UpdateChannel<Reading>>;
using Values = v1::ChannelService::WithCallbackMethod_GetValues<
    v1::ChannelService::WithCallbackMethod_SetValue<v1::ChannelService::WithCallbackMethod_AddValue<
        v1::ChannelService::WithCallbackMethod_CompareAndSwapValue<
            v1::ChannelService::WithCallbackMethod_WatchValues<Writing>>>>>;
using Blocks = v1::ChannelService::WithCallbackMethod_ReadBlocks<
    v1::ChannelService::WithCallbackMethod_WriteBlocks<
        v1::ChannelService::WithCallbackMethod_FlushBlocks<Values>>>;
using AllMethods = v1::ChannelService::WithRawCallbackMethod_Subscribe<Blocks>;

}  // namespace internal

// kchan.v1.ChannelService for the clients of one listener. channel_service.cc
// has the methods of channels and records, value_service.cc those of values,
// block_service.cc those of blocks. Each method asks its Caller first.
//
// Thread safety: gRPC calls it from any of its threads. Nothing here blocks.
class ChannelService final : public internal::AllMethods {
 public:
  ChannelService(Core& core, Entrance entrance) : core_(core), entrance_(std::move(entrance)) {}

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

  grpc::ServerUnaryReactor* GetValues(grpc::CallbackServerContext* context,
                                      const v1::GetValuesRequest* request,
                                      v1::GetValuesResponse* response) override;
  grpc::ServerUnaryReactor* SetValue(grpc::CallbackServerContext* context,
                                     const v1::SetValueRequest* request,
                                     v1::SetValueResponse* response) override;
  grpc::ServerUnaryReactor* AddValue(grpc::CallbackServerContext* context,
                                     const v1::AddValueRequest* request,
                                     v1::AddValueResponse* response) override;
  grpc::ServerUnaryReactor* CompareAndSwapValue(grpc::CallbackServerContext* context,
                                                const v1::CompareAndSwapValueRequest* request,
                                                v1::CompareAndSwapValueResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchValuesResponse>* WatchValues(
      grpc::CallbackServerContext* context, const v1::WatchValuesRequest* request) override;

  grpc::ServerWriteReactor<v1::ReadBlocksResponse>* ReadBlocks(
      grpc::CallbackServerContext* context, const v1::ReadBlocksRequest* request) override;
  grpc::ServerReadReactor<v1::WriteBlocksRequest>* WriteBlocks(
      grpc::CallbackServerContext* context, v1::WriteBlocksResponse* response) override;
  grpc::ServerUnaryReactor* FlushBlocks(grpc::CallbackServerContext* context,
                                        const v1::FlushBlocksRequest* request,
                                        v1::FlushBlocksResponse* response) override;

 private:
  Caller CallerOf(const char* method, const grpc::CallbackServerContext* context) const {
    return Caller(core_, entrance_, method, *context);
  }
  // Finishes a unary call with what `call` returns, on a thread that may block.
  grpc::ServerUnaryReactor* OnDoorThread(grpc::CallbackServerContext* context,
                                         std::function<absl::Status()> call);
  static grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context,
                                          const absl::Status& status);
  // Makes one change of a value, and an audit line of it. `Request` is one of
  // those that FromProto() makes a hub::ValueChange of; `answer` puts what came
  // out into the response.
  template <typename Request>
  grpc::ServerUnaryReactor* ChangeValue(const char* method, grpc::CallbackServerContext* context,
                                        const Request* request,
                                        std::function<void(const hub::ValueChanged&)> answer);

  Core& core_;
  const Entrance entrance_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_CHANNEL_SERVICE_H_
