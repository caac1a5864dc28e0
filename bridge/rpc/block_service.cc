// SPDX-License-Identifier: Apache-2.0
// The methods of channels of blocks.
#include <utility>

#include "absl/status/status.h"
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
    grpc::CallbackServerContext* context, const v1::ReadBlocksRequest* request) {
  return BlockReadStream::Start(core_, CallerOf("ReadBlocks", context), *request);
}

grpc::ServerReadReactor<v1::WriteBlocksRequest>* ChannelService::WriteBlocks(
    grpc::CallbackServerContext* context, v1::WriteBlocksResponse* response) {
  Caller caller = CallerOf("WriteBlocks", context);
  if (absl::Status status = caller.CheckAny(security::Right::kWrite); !status.ok()) {
    return new RefusedStream<BlockWriteStream::Reactor>(status);
  }
  return BlockWriteStream::Start(core_, std::move(caller), response);
}

grpc::ServerUnaryReactor* ChannelService::FlushBlocks(grpc::CallbackServerContext* context,
                                                      const v1::FlushBlocksRequest* request,
                                                      v1::FlushBlocksResponse* /*response*/) {
  const Caller caller = CallerOf("FlushBlocks", context);
  if (absl::Status status = caller.Check(security::Right::kWrite, request->channel());
      !status.ok()) {
    return Finish(context, status);
  }
  return OnDoorThread(context, [=, this] {
    absl::Status status = Flush(core_.hub, request->channel());
    caller.AuditChannel(security::Right::kWrite, request->channel(), "",
                        absl::StatusCodeToString(status.code()));
    return status;
  });
}

}  // namespace kchan::rpc
