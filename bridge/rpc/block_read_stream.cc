// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/block_read_stream.h"

#include <algorithm>
#include <span>
#include <utility>

#include "bridge/hub/kernel_door.h"
#include "bridge/rpc/channel_lookup.h"
#include "bridge/rpc/refused_stream.h"
#include "bridge/rpc/status.h"

namespace kchan::rpc {
namespace {

absl::StatusOr<BlockExtent> ExtentOf(const hub::Hub& hub, const v1::ReadBlocksRequest& request) {
  const auto channel = FindBlocks(hub, request.channel());
  if (!channel.ok()) return channel.status();
  const auto geometry = GeometryOf(**channel);
  if (!geometry.ok()) return geometry.status();
  BlockExtent extent{.offset = request.offset_bytes(), .length = request.length_bytes()};
  if (absl::Status status = CheckExtent(extent, *geometry, "length_bytes"); !status.ok()) {
    return status;
  }
  if (extent.length == 0) extent.length = geometry->capacity_bytes - extent.offset;
  return extent;
}

}  // namespace

BlockReadStream::Reactor* BlockReadStream::Start(Core& core, Caller caller,
                                                 const v1::ReadBlocksRequest& request) {
  if (absl::Status status = caller.Check(security::Right::kRead, request.channel()); !status.ok()) {
    return new RefusedStream<Reactor>(status);
  }
  const auto extent = ExtentOf(core.hub, request);
  if (!extent.ok()) return new RefusedStream<Reactor>(extent.status());
  auto stream =
      std::make_shared<BlockReadStream>(core, std::move(caller), request.channel(), *extent);
  stream->self_ = stream;
  if (absl::Status status = core.block_transfers.Add(stream); !status.ok()) stream->EndSoon(status);
  stream->Continue();
  return stream.get();
}

void BlockReadStream::EndSoon(const absl::Status& status) {
  std::lock_guard lock(mutex_);
  end_status_ = status;
}

void BlockReadStream::Continue() {
  absl::Status status;
  {
    std::lock_guard lock(mutex_);
    status = end_status_;
  }
  if (status.ok() && caller_.Renew()) status = caller_.Check(security::Right::kRead, channel_);
  if (status.ok() && left_.length > 0) {
    status = core_.door_threads.Submit([self = shared_from_this()] { self->ReadOnDoorThread(); });
    if (status.ok()) return;
  }
  Finish(ToGrpcStatus(status));
}

void BlockReadStream::ReadOnDoorThread() {
  const size_t length = std::min<uint64_t>(left_.length, hub::kMaxExtentBytes);
  response_.set_offset_bytes(left_.offset);
  response_.mutable_data()->resize(length);
  const auto to = std::as_writable_bytes(std::span(*response_.mutable_data()));
  const auto door = FindDoor(core_.hub);
  absl::Status status = door.ok() ? (*door)->ReadBlocks(channel_, left_.offset, to) : door.status();
  if (!status.ok()) return Finish(ToGrpcStatus(status));
  left_.offset += length;
  left_.length -= length;
  StartWrite(&response_);
}

void BlockReadStream::OnWriteDone(bool ok) {
  if (!ok) return Finish(ToGrpcStatus(absl::CancelledError("the client went away")));
  Continue();
}

void BlockReadStream::OnDone() {
  core_.block_transfers.Remove(this);
  const std::shared_ptr<BlockReadStream> self = std::move(self_);
}

}  // namespace kchan::rpc
