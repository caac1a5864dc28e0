// SPDX-License-Identifier: Apache-2.0
// The methods of channels of values.
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/rpc/channel_lookup.h"
#include "bridge/rpc/channel_service.h"
#include "bridge/rpc/refused_stream.h"
#include "bridge/rpc/status.h"
#include "bridge/rpc/value_messages.h"
#include "bridge/rpc/value_watch_stream.h"

namespace kchan::rpc {
namespace {

absl::Status Get(const hub::Hub& hub, const v1::GetValuesRequest& request,
                 v1::GetValuesResponse& response) {
  if (const auto channel = FindValues(hub, request.channel()); !channel.ok()) {
    return channel.status();
  }
  const auto door = FindDoor(hub);
  if (!door.ok()) return door.status();
  const auto snapshot = (*door)->ReadValues(request.channel());
  if (!snapshot.ok()) return snapshot.status();
  *response.mutable_values() = ToProto(*snapshot);
  return absl::OkStatus();
}

// `what` becomes what was asked for, as far as that is known, in one line.
template <typename Request>
absl::StatusOr<hub::ValueChanged> Change(const hub::Hub& hub, const Request& request,
                                         std::string& what) {
  what = request.word();
  const auto channel = FindValues(hub, request.channel());
  if (!channel.ok()) return channel.status();
  const auto change = FromProto(request, **channel);
  if (!change.ok()) return change.status();
  what = Describe(*change);
  const auto door = FindDoor(hub);
  if (!door.ok()) return door.status();
  auto changed = (*door)->ChangeValue(request.channel(), *change);
  if (!changed.ok()) return changed;
  if (changed->before) absl::StrAppend(&what, " (was ", Describe(*changed->before), ")");
  return changed;
}

}  // namespace

template <typename Request>
grpc::ServerUnaryReactor* ChannelService::ChangeValue(
    const char* method, grpc::CallbackServerContext* context, const Request* request,
    std::function<void(const hub::ValueChanged&)> answer) {
  const Caller caller = CallerOf(method, context);
  if (absl::Status status = caller.Check(security::Right::kWrite, request->channel());
      !status.ok()) {
    return Finish(context, status);
  }
  return OnDoorThread(context, [=, this, answer = std::move(answer)]() -> absl::Status {
    std::string what;
    const auto changed = Change(core_.hub, *request, what);
    const bool swapped = !changed.ok() || changed->applied;
    caller.AuditChannel(
        security::Right::kWrite, request->channel(), what,
        swapped ? absl::StatusCodeToString(changed.status().code()) : "found another value");
    if (changed.ok()) answer(*changed);
    return changed.status();
  });
}

grpc::ServerUnaryReactor* ChannelService::GetValues(grpc::CallbackServerContext* context,
                                                    const v1::GetValuesRequest* request,
                                                    v1::GetValuesResponse* response) {
  const Caller caller = CallerOf("GetValues", context);
  if (absl::Status status = caller.Check(security::Right::kRead, request->channel());
      !status.ok()) {
    return Finish(context, status);
  }
  return OnDoorThread(context, [=, this] { return Get(core_.hub, *request, *response); });
}

grpc::ServerUnaryReactor* ChannelService::SetValue(grpc::CallbackServerContext* context,
                                                   const v1::SetValueRequest* request,
                                                   v1::SetValueResponse* response) {
  return ChangeValue("SetValue", context, request, [=](const hub::ValueChanged& changed) {
    if (changed.before) *response->mutable_before() = ToProto(*changed.before);
  });
}

grpc::ServerUnaryReactor* ChannelService::AddValue(grpc::CallbackServerContext* context,
                                                   const v1::AddValueRequest* request,
                                                   v1::AddValueResponse* response) {
  return ChangeValue("AddValue", context, request, [=](const hub::ValueChanged& changed) {
    if (changed.before) *response->mutable_before() = ToProto(*changed.before);
    if (changed.after) *response->mutable_after() = ToProto(*changed.after);
  });
}

grpc::ServerUnaryReactor* ChannelService::CompareAndSwapValue(
    grpc::CallbackServerContext* context, const v1::CompareAndSwapValueRequest* request,
    v1::CompareAndSwapValueResponse* response) {
  return ChangeValue("CompareAndSwapValue", context, request,
                     [=](const hub::ValueChanged& changed) {
                       response->set_swapped(changed.applied);
                       if (changed.before) *response->mutable_before() = ToProto(*changed.before);
                     });
}

grpc::ServerWriteReactor<v1::WatchValuesResponse>* ChannelService::WatchValues(
    grpc::CallbackServerContext* context, const v1::WatchValuesRequest* request) {
  Caller caller = CallerOf("WatchValues", context);
  if (absl::Status status = caller.CheckAny(security::Right::kRead); !status.ok()) {
    return new RefusedStream<ValueWatchStream::Reactor>(status);
  }
  return ValueWatchStream::Start(core_, std::move(caller), *request);
}

}  // namespace kchan::rpc
