// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/subscribe_messages.h"

#include "bridge/hub/boottime.h"
#include "bridge/rpc/convert.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"

namespace kchan::rpc {
namespace {

grpc::ByteBuffer Serialize(const v1::SubscribeResponse& response) {
  const grpc::Slice slice(response.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

// Hello and Heartbeat share where the stream is and what time it is there.
template <typename Part>
void SetPlace(const hub::Subscription& subscription, Part& part) {
  part.set_clock_offset_ns(hub::ClockOffsetNs());
  for (const hub::ChannelCursor& cursor : subscription.cursors()) {
    *part.add_cursors() = ToProto(cursor);
  }
}

}  // namespace

bool ParseRequest(grpc::ByteBuffer& buffer, v1::SubscribeRequest& request) {
  if (!buffer.Valid()) return false;
  grpc::ProtoBufferReader reader(&buffer);
  return reader.status().ok() && request.ParseFromZeroCopyStream(&reader);
}

grpc::ByteBuffer HelloMessage(const v1::Node& node, const hub::Subscription& subscription) {
  v1::SubscribeResponse response;
  *response.mutable_hello()->mutable_node() = node;
  SetPlace(subscription, *response.mutable_hello());
  return Serialize(response);
}

grpc::ByteBuffer HeartbeatMessage(const hub::Subscription& subscription) {
  v1::SubscribeResponse response;
  SetPlace(subscription, *response.mutable_heartbeat());
  return Serialize(response);
}

grpc::ByteBuffer Message(const hub::ChannelUpdateOut& update) {
  v1::SubscribeResponse response;
  *response.mutable_channel_update() = ToProto(update);
  return Serialize(response);
}

grpc::ByteBuffer Message(const hub::HistoryEndOut& end) {
  v1::SubscribeResponse response;
  *response.mutable_history_end()->mutable_cursor() = ToProto({end.channel, end.cursor});
  return Serialize(response);
}

}  // namespace kchan::rpc
