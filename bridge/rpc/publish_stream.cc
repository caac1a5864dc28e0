// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/publish_stream.h"

#include <span>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/rpc/channel_lookup.h"
#include "bridge/rpc/status.h"

namespace kchan::rpc {
namespace {

// Channels of one call whose records the audit has as a sum.
constexpr size_t kMaxCounted = 64;
constexpr size_t kMaxCountedName = 256;  // longer than any that there is

// What can be said about a record without asking the kernel.
absl::Status Check(const hub::Hub& hub, const v1::PublishRequest& request) {
  const auto channel = FindChannel(hub, request.channel());
  if (!channel.ok()) return channel.status();
  if (absl::Status status = CheckHasRecords(**channel); !status.ok()) return status;
  const hub::ChannelSnapshot snapshot = (*channel)->snapshot();
  if (snapshot.description->direction == hub::Direction::kToUser) {
    return absl::UnimplementedError(absl::StrCat("channel ", request.channel(),
                                                 " takes no records: its data goes to user space"));
  }
  if (snapshot.schema == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("channel ", request.channel(), " has no schema yet"));
  }
  const hub::RecordType* type = snapshot.schema->FindType(request.type());
  if (type == nullptr || type->direction == hub::Direction::kToUser) {
    return BadField("type", absl::StrCat("channel ", request.channel(),
                                         " takes no records of type ", request.type()));
  }
  const size_t size = request.payload().size();
  const size_t max = snapshot.description->max_record_bytes;
  if (size < type->size_bytes || size > max) {
    return BadField("payload", absl::StrCat("is ", size, " bytes; a record of type ", type->name,
                                            " has ", type->size_bytes, " to ", max));
  }
  return absl::OkStatus();
}

hub::KernelAnswer Publish(const hub::Hub& hub, const v1::PublishRequest& request) {
  const auto door = FindDoor(hub);
  if (!door.ok()) return {door.status(), 0};
  if (absl::Status status = Check(hub, request); !status.ok()) return {std::move(status), 0};
  return (*door)->Publish(request.channel(), request.type(),
                          std::as_bytes(std::span(request.payload())));
}

}  // namespace

PublishStream::Reactor* PublishStream::Start(Core& core, Caller caller) {
  auto stream = std::make_shared<PublishStream>(core, std::move(caller));
  stream->self_ = stream;
  stream->StartRead(&stream->request_);
  if (absl::Status status = core.publishers.Add(stream); !status.ok()) stream->EndSoon(status);
  return stream.get();
}

void PublishStream::EndSoon(const absl::Status& status) {
  {
    std::lock_guard lock(mutex_);
    end_status_ = status;
    if (answering_ || ended_) return;
    ended_ = true;
  }
  Finish(ToGrpcStatus(status));
}

void PublishStream::OnReadDone(bool ok) {
  if (!ok) return End(absl::OkStatus());
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    answering_ = true;
  }
  absl::Status accepted =
      core_.door_threads.Submit([self = shared_from_this()] { self->PublishOnDoorThread(); });
  if (!accepted.ok()) Answer(accepted, 0);
}

void PublishStream::PublishOnDoorThread() {
  if (absl::Status status = CheckRights(); !status.ok()) return Answer(status, 0);
  const hub::KernelAnswer answer = Publish(core_.hub, request_);
  Count(answer.status);
  Answer(answer.status, answer.kernel_errno);
}

absl::Status PublishStream::CheckRights() {
  const std::string& channel = request_.channel();
  if (!caller_.Renew() && !allowed_.empty() && channel == allowed_) return absl::OkStatus();
  allowed_.clear();
  absl::Status status = caller_.Check(security::Right::kWrite, channel);
  if (status.ok()) allowed_ = channel;
  return status;
}

void PublishStream::Count(const absl::Status& status) {
  const std::string channel = request_.channel().substr(0, kMaxCountedName);
  auto counts = counts_.find(channel);
  if (counts == counts_.end()) {
    const bool is_full = counts_.size() == kMaxCounted;
    caller_.AuditChannel(security::Right::kWrite, channel, "",
                         is_full ? absl::StatusCodeToString(status.code()) : "begun");
    if (is_full) return;  // each record has a line of its own
    counts = counts_.emplace(channel, Counts()).first;
  }
  ++(status.ok() ? counts->second.taken : counts->second.refused);
}

void PublishStream::Answer(const absl::Status& status, int kernel_errno) {
  response_.Clear();
  response_.set_request_id(request_.request_id());
  *response_.mutable_status() = ToRpcStatus(status);
  response_.set_kernel_errno(kernel_errno);
  StartWrite(&response_);
}

void PublishStream::OnWriteDone(bool ok) {
  absl::Status end;
  {
    std::lock_guard lock(mutex_);
    answering_ = false;
    end = end_status_;
  }
  if (!ok) return End(absl::CancelledError("the client went away"));
  if (!end.ok()) return End(end);
  StartRead(&request_);
}

void PublishStream::End(const absl::Status& status) {
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = true;
  }
  Finish(ToGrpcStatus(status));
}

void PublishStream::OnDone() {
  core_.publishers.Remove(this);
  for (const auto& [channel, counts] : counts_) {
    caller_.AuditChannel(
        security::Right::kWrite, channel, "",
        absl::StrCat(counts.taken, " records taken, ", counts.refused, " refused"));
  }
  const std::shared_ptr<PublishStream> self = std::move(self_);
}

}  // namespace kchan::rpc
