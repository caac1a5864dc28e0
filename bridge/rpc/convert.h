// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_CONVERT_H_
#define KCHAN_BRIDGE_RPC_CONVERT_H_

#include <chrono>
#include <cstdint>

#include "absl/status/statusor.h"
#include "bridge/hub/channel.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/hub/subscription.h"
#include "bridge/rpc/server_options.h"
#include "kchan/v1/channel_service.pb.h"
#include "kchan/v1/node_service.pb.h"

// The only place where hub structures become messages and back.
namespace kchan::rpc {

v1::Channel ToProto(const hub::Channel& channel);
v1::Schema ToProto(const hub::Schema& schema);
v1::Cursor ToProto(const hub::ChannelCursor& cursor);
v1::Node ToProto(const NodeIdentity& identity, const hub::KernelSideStatus& kernel_side);
v1::Problem ToProto(const hub::Problem& problem);
v1::ChannelCounters ToCounters(const hub::Channel& channel);
v1::SubscribeResponse::ChannelUpdate ToProto(const hub::ChannelUpdateOut& update);
v1::KernelSide ToProto(hub::KernelSideState state);

// What Open asks for, checked, with its defaults filled in. What needs the hub
// (names, globs, cursors) is checked by hub::Subscription::Open.
struct OpenRequest {
  hub::SubscriptionOptions options;
  std::chrono::nanoseconds max_delay{0};
  std::chrono::nanoseconds heartbeat_interval{0};
};
// `clock_offset_ns`: what the node's UTC is ahead of its boottime.
absl::StatusOr<OpenRequest> FromProto(const v1::SubscribeRequest::Open& open,
                                      int64_t clock_offset_ns);

// Checked against what the channel offers.
absl::StatusOr<hub::ChannelSettings> FromProto(const v1::UpdateChannelRequest& request,
                                               const hub::ChannelDescription& description);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_CONVERT_H_
