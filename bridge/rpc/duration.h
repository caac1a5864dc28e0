// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_DURATION_H_
#define KCHAN_BRIDGE_RPC_DURATION_H_

#include <chrono>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/duration.pb.h"

namespace kchan::rpc {

// What `field` of a request asks for, within [min, max]; else INVALID_ARGUMENT
// with `allowed`, which says so to a person.
absl::StatusOr<std::chrono::nanoseconds> FromProto(const google::protobuf::Duration& duration,
                                                   absl::string_view field,
                                                   std::chrono::nanoseconds min,
                                                   std::chrono::nanoseconds max,
                                                   absl::string_view allowed);

// The bounds of every stream's heartbeat_interval.
absl::StatusOr<std::chrono::nanoseconds> HeartbeatFromProto(
    const google::protobuf::Duration& duration);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_DURATION_H_
