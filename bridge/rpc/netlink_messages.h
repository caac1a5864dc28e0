// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_NETLINK_MESSAGES_H_
#define KCHAN_BRIDGE_RPC_NETLINK_MESSAGES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/hub.h"
#include "bridge/netlink/netlink_engine.h"
#include "kchan/v1/netlink_service.pb.h"

// From netlink's engine to the protocol, and back.
namespace kchan::rpc {

// `hub` knows which of its groups are channels.
v1::NetlinkFamily ToProto(const netlink::KnownFamily& known, const std::string& network_namespace,
                          const hub::Hub& hub);
v1::NetlinkMessage ToProto(netlink::DecodedMessage message);
v1::RequestResponse ToProto(netlink::AnswerPart part);

// INVALID_ARGUMENT names the field. The result points into `request`.
absl::StatusOr<netlink::NetlinkRequest> FromProto(const v1::RequestRequest& request);

// Adds to `status` what the kernel said.
absl::Status WithRefusal(absl::Status status, const netlink::Refusal& refusal);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_NETLINK_MESSAGES_H_
