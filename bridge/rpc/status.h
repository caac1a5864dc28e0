// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_STATUS_H_
#define KCHAN_BRIDGE_RPC_STATUS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "bridge/hub/subscription.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

// The only place where an absl::Status becomes what clients see.
//
// Every error carries an ErrorInfo (domain "kchan.v1", reason as set by
// WithReason() or else the code's name, metadata by WithMetadata()). INVALID_ARGUMENT whose message
// begins with a field and a colon ("selections[0].glob: ...") carries a BadRequest for it;
// UNAVAILABLE and RESOURCE_EXHAUSTED carry a RetryInfo.
namespace kchan::rpc {

// INVALID_ARGUMENT because of one field of the request.
absl::Status BadField(absl::string_view field, absl::string_view problem);

// `status` of the part of a request that is in `field`: the field that its message
// begins with, if any, becomes one of that.
absl::Status InField(absl::string_view field, const absl::Status& status);

// Names what happened for programs, in UPPER_SNAKE_CASE.
absl::Status WithReason(absl::Status status, absl::string_view reason);

// A fact about the error for programs, in the ErrorInfo. `key` in snake_case.
absl::Status WithMetadata(absl::Status status, absl::string_view key, absl::string_view value);

google::rpc::Status ToRpcStatus(const absl::Status& status);

// `cursors` are where a stream that ends can be resumed; each becomes a detail,
// as many as fit into the headers of HTTP/2.
grpc::Status ToGrpcStatus(const absl::Status& status,
                          const std::vector<hub::ChannelCursor>& cursors = {});

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_STATUS_H_
