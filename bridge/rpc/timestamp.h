// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_TIMESTAMP_H_
#define KCHAN_BRIDGE_RPC_TIMESTAMP_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/timestamp.pb.h"

namespace kchan::rpc {

// UTC in nanoseconds since 1970; times that these cannot count are the first or
// the last one that they can. INVALID_ARGUMENT, with the field's name, for what
// is no time.
absl::StatusOr<int64_t> FromProto(const google::protobuf::Timestamp& time, absl::string_view field);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_TIMESTAMP_H_
