// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/netlink_request_stream.h"

#include "absl/strings/str_cat.h"
#include "bridge/rpc/netlink_messages.h"
#include "bridge/rpc/status.h"
#include "grpcpp/server_context.h"

namespace kchan::rpc {

NetlinkRequestStream::Reactor* NetlinkRequestStream::Start(
    Core& core, const netlink::NetlinkEngine& engine, netlink::NetlinkRequest request,
    Caller caller, const grpc::CallbackServerContext& context) {
  auto stream = std::make_shared<NetlinkRequestStream>(
      core, engine, std::move(request), std::move(caller), absl::FromChrono(context.deadline()));
  stream->self_ = stream;
  if (absl::Status status = core.netlink_requests.Add(stream); !status.ok()) {
    stream->EndSoon(status);
  }
  stream->Continue();
  return stream.get();
}

NetlinkRequestStream::NetlinkRequestStream(Core& core, const netlink::NetlinkEngine& engine,
                                           netlink::NetlinkRequest request, Caller caller,
                                           absl::Time deadline)
    : core_(core),
      engine_(engine),
      request_(std::move(request)),
      caller_(std::move(caller)),
      deadline_(deadline) {
  request_.rights = [this](const netlink::Wanted& wanted) {
    wanted_ = wanted;
    auto rights = caller_.CheckNetlink(wanted, request_.network_namespace);
    is_denied_ = !rights.ok();
    return rights;
  };
}

void NetlinkRequestStream::EndSoon(const absl::Status& status) {
  {
    std::lock_guard lock(mutex_);
    if (!end_status_.ok()) return;
    end_status_ = status;
  }
  wake_.Set();
}

absl::Status NetlinkRequestStream::end_status() {
  std::lock_guard lock(mutex_);
  return end_status_;
}

void NetlinkRequestStream::OnCancel() {
  EndSoon(absl::CancelledError("the client has ended the request"));
}

void NetlinkRequestStream::Continue() {
  absl::Status status = end_status();
  if (status.ok()) {
    status = core_.netlink_threads.Submit(
        [self = shared_from_this()] { self->ReceiveOnNetlinkThread(); });
  }
  if (!status.ok()) Finish(ToGrpcStatus(status));
}

absl::Status NetlinkRequestStream::Begin() {
  if (absl::Status status = wake_.status(); !status.ok()) return status;
  auto call = engine_.Begin(request_, wake_);
  if (call.ok()) {
    call_ = *std::move(call);
    return absl::OkStatus();
  }
  if (is_denied_ || !absl::IsPermissionDenied(call.status())) return call.status();
  constexpr char kReason[] = "NETLINK_NOT_OPENED";
  caller_.AuditDenial(absl::StrCat("netlink ", request_.family, " ", request_.operation), kReason);
  return WithReason(call.status(), kReason);
}

absl::Status NetlinkRequestStream::FollowPolicy() {
  if (!caller_.Renew() || call_ == nullptr) return absl::OkStatus();
  const auto has_control = caller_.CheckNetlink(wanted_, request_.network_namespace);
  if (!has_control.ok()) return has_control.status();
  if (*has_control || !call_->is_privileged() || wanted_.is_group) return absl::OkStatus();
  return WithReason(absl::PermissionDeniedError(
                        absl::StrCat(call_->what(), ": the node's policy has changed meanwhile")),
                    "NOT_ALLOWED");
}

absl::StatusOr<netlink::AnswerPart> NetlinkRequestStream::Receive() {
  for (;;) {
    if (absl::Status status = end_status(); !status.ok()) return status;
    if (absl::Status status = FollowPolicy(); !status.ok()) {
      is_denied_ = true;
      return status;
    }
    if (call_ == nullptr) {
      if (absl::Status status = Begin(); !status.ok()) return status;
    }
    auto part = call_->Next(deadline_);
    if (!part.ok()) {
      // Woken, it has not seen the end of the kernel's patience but of ours.
      if (absl::Status status = end_status(); !status.ok()) return status;
      return call_->refusal() ? WithRefusal(part.status(), *call_->refusal()) : part.status();
    }
    if (!part->replies.empty() || part->is_last || part->restarted) return part;
  }
}

void NetlinkRequestStream::ReceiveOnNetlinkThread() {
  auto part = Receive();
  if (!part.ok()) return End(part.status());
  const bool is_last = part->is_last;
  const bool is_empty = part->replies.empty() && !part->interrupted && !part->restarted;
  if (is_last && is_empty) return End(absl::OkStatus());
  response_ = ToProto(*std::move(part));
  if (!is_last) return StartWrite(&response_);
  AuditPrivileged(absl::OkStatus());
  StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
}

void NetlinkRequestStream::End(const absl::Status& status) {
  AuditPrivileged(status);
  if (call_ != nullptr && !call_->is_privileged() && !is_denied_ &&
      absl::IsPermissionDenied(status)) {
    caller_.AuditDenial(absl::StrCat("netlink ", call_->what()), "refused by the kernel");
  }
  Finish(ToGrpcStatus(status));
}

void NetlinkRequestStream::AuditPrivileged(const absl::Status& status) const {
  if (call_ == nullptr || !call_->is_privileged()) return;
  const auto decision =
      caller_.grants().Netlink(wanted_, request_.network_namespace, /*privileged=*/true);
  caller_.Audit(absl::StrCat("netlink ", call_->what()), "", decision.rule,
                absl::StatusCodeToString(status.code()));
}

void NetlinkRequestStream::OnWriteDone(bool ok) {
  if (!ok) return End(absl::CancelledError("the client went away"));
  Continue();
}

void NetlinkRequestStream::OnDone() {
  core_.netlink_requests.Remove(this);
  const std::shared_ptr<NetlinkRequestStream> self = std::move(self_);
}

}  // namespace kchan::rpc
