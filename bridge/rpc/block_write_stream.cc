// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/block_write_stream.h"

#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/rpc/block_extent.h"
#include "bridge/rpc/channel_lookup.h"
#include "bridge/rpc/status.h"

namespace kchan::rpc {

BlockWriteStream::Reactor* BlockWriteStream::Start(Core& core, Caller caller,
                                                   v1::WriteBlocksResponse* response) {
  auto stream = std::make_shared<BlockWriteStream>(core, std::move(caller), response);
  stream->self_ = stream;
  stream->StartRead(&stream->request_);
  if (absl::Status status = core.block_transfers.Add(stream); !status.ok()) stream->EndSoon(status);
  return stream.get();
}

void BlockWriteStream::EndSoon(const absl::Status& status) {
  {
    std::lock_guard lock(mutex_);
    end_status_ = status;
    // Together, or a request that has just come would go to the door still.
    if (at_door_ || !MarkEndedLocked(status)) return;
  }
  Finish(ToGrpcStatus(status));
}

// At the door it is seen when its request is written.
void BlockWriteStream::OnCancel() {
  std::lock_guard lock(mutex_);
  end_status_ = absl::CancelledError("the client went away");
}

void BlockWriteStream::OnReadDone(bool ok) {
  if (!ok) {
    if (channel_.empty()) {
      return End(BadField("channel", "the stream was closed without writing anything"));
    }
    absl::Status status;
    {
      std::lock_guard lock(mutex_);
      if (ended_) return;
      status = end_status_;
    }
    response_->set_written_bytes(written_bytes_);
    return End(status);
  }
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    at_door_ = true;
  }
  absl::Status accepted =
      core_.door_threads.Submit([self = shared_from_this()] { self->WriteOnDoorThread(); });
  if (!accepted.ok()) End(accepted);
}

void BlockWriteStream::WriteOnDoorThread() {
  absl::Status status = Write();
  {
    std::lock_guard lock(mutex_);
    at_door_ = false;
    if (status.ok()) status = end_status_;
  }
  if (!status.ok()) return End(status);
  StartRead(&request_);
}

absl::Status BlockWriteStream::Write() {
  if (absl::Status status = CheckRequest(); !status.ok()) return status;
  const auto door = FindDoor(core_.hub);
  if (!door.ok()) return door.status();
  if (!request_.data().empty()) {
    absl::Status status = (*door)->WriteBlocks(channel_, request_.offset_bytes(),
                                               std::as_bytes(std::span(request_.data())));
    if (!status.ok()) return status;
    written_bytes_ += request_.data().size();
  }
  return request_.flush() ? (*door)->FlushBlocks(channel_) : absl::OkStatus();
}

absl::Status BlockWriteStream::CheckRequest() {
  caller_.Renew();
  if (channel_.empty()) {
    if (request_.channel().empty()) return BadField("channel", "the first request must name it");
    absl::Status status = caller_.Check(security::Right::kWrite, request_.channel());
    if (!status.ok()) return status;
    channel_ = request_.channel();
    caller_.AuditChannel(security::Right::kWrite, channel_, "", "begun");
  } else if (!request_.channel().empty() && request_.channel() != channel_) {
    return BadField("channel", absl::StrCat("must stay '", channel_, "'"));
  } else if (absl::Status status = caller_.Check(security::Right::kWrite, channel_); !status.ok()) {
    return status;
  }
  const auto channel = FindBlocks(core_.hub, channel_);
  if (!channel.ok()) return channel.status();
  const auto geometry = GeometryOf(**channel);
  if (!geometry.ok()) return geometry.status();
  if (geometry->read_only) {
    return WithReason(
        absl::PermissionDeniedError(absl::StrCat("channel '", channel_, "' is read-only")),
        "READ_ONLY");
  }
  const size_t length = request_.data().size();
  if (length > hub::kMaxExtentBytes) {
    return BadField("data",
                    absl::StrCat(length, " bytes: an extent has at most ", hub::kMaxExtentBytes));
  }
  if (length == 0 && !request_.flush()) return BadField("data", "there is nothing to write");
  return CheckExtent({.offset = request_.offset_bytes(), .length = length}, *geometry, "data");
}

void BlockWriteStream::End(const absl::Status& status) {
  {
    std::lock_guard lock(mutex_);
    if (!MarkEndedLocked(status)) return;
  }
  Finish(ToGrpcStatus(status));
}

bool BlockWriteStream::MarkEndedLocked(const absl::Status& status) {
  if (std::exchange(ended_, true)) return false;
  ended_with_ = status.code();
  return true;
}

void BlockWriteStream::OnDone() {
  core_.block_transfers.Remove(this);
  if (!channel_.empty()) {
    caller_.AuditChannel(security::Right::kWrite, channel_,
                         absl::StrCat(written_bytes_, " bytes written"),
                         absl::StatusCodeToString(ended_with_));
  }
  const std::shared_ptr<BlockWriteStream> self = std::move(self_);
}

}  // namespace kchan::rpc
