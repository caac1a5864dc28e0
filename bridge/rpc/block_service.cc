// SPDX-License-Identifier: Apache-2.0
// The methods of channels of blocks.
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "bridge/rpc/block_extent.h"
#include "bridge/rpc/block_read_stream.h"
#include "bridge/rpc/block_write_stream.h"
#include "bridge/rpc/channel_lookup.h"
#include "bridge/rpc/channel_service.h"
#include "bridge/rpc/refused_stream.h"
#include "bridge/rpc/status.h"

namespace kchan::rpc {
namespace {

absl::Status Flush(const hub::Hub& hub, const std::string& name) {
  if (const auto channel = FindBlocks(hub, name); !channel.ok()) return channel.status();
  const auto door = FindDoor(hub);
  if (!door.ok()) return door.status();
  return (*door)->FlushBlocks(name);
}

}  // namespace

grpc::ServerWriteReactor<v1::ReadBlocksResponse>* ChannelService::ReadBlocks(
    grpc::CallbackServerContext* /*context*/, const v1::ReadBlocksRequest* request) {
  return BlockReadStream::Start(core_, *request);
}

grpc::ServerReadReactor<v1::WriteBlocksRequest>* ChannelService::WriteBlocks(
    grpc::CallbackServerContext* context, v1::WriteBlocksResponse* response) {
  if (absl::Status status = CheckControl("WriteBlocks", *context); !status.ok()) {
    return new RefusedStream<BlockWriteStream::Reactor>(status);
  }
  return BlockWriteStream::Start(core_, Caller(*context), response);
}

grpc::ServerUnaryReactor* ChannelService::FlushBlocks(grpc::CallbackServerContext* context,
                                                      const v1::FlushBlocksRequest* request,
                                                      v1::FlushBlocksResponse* /*response*/) {
  if (absl::Status status = CheckControl("FlushBlocks", *context); !status.ok()) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(ToGrpcStatus(status));
    return reactor;
  }
  return OnDoorThread(context, [=, this] {
    absl::Status status = Flush(core_.hub, request->channel());
    core_.Audit(absl::StrCat("FlushBlocks ", absl::CEscape(request->channel()), " ",
                             Caller(*context), ": ", absl::StatusCodeToString(status.code())));
    return status;
  });
}

}  // namespace kchan::rpc
