// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_RPC_STATUS_H_
#define KCHAN_CLIENTS_CPP_SRC_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <string_view>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace kchan {

// The only places that make an absl::Status of what came over the wire.
// `operation` says what was tried: "subscribe to node:7070".
absl::Status FromGrpcStatus(const grpc::Status& status, std::string_view operation);
absl::Status FromRpcStatus(const google::rpc::Status& status, std::string_view operation);

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_RPC_STATUS_H_
