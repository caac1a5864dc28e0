// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_SUBSCRIBE_MESSAGES_H_
#define KCHAN_BRIDGE_RPC_SUBSCRIBE_MESSAGES_H_

#include "bridge/hub/subscription.h"
#include "grpcpp/support/byte_buffer.h"
#include "kchan/v1/channel_service.pb.h"

// What a Subscribe stream says and is told besides batches, which BatchMessage()
// makes without protobuf.
namespace kchan::rpc {

// False if `buffer` does not hold a request.
bool ParseRequest(grpc::ByteBuffer& buffer, v1::SubscribeRequest& request);

grpc::ByteBuffer HelloMessage(const v1::Node& node, const hub::Subscription& subscription);
grpc::ByteBuffer HeartbeatMessage(const hub::Subscription& subscription);
grpc::ByteBuffer Message(const hub::ChannelUpdateOut& update);
grpc::ByteBuffer Message(const hub::HistoryEndOut& end);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_SUBSCRIBE_MESSAGES_H_
