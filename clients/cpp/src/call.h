// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_CALL_H_
#define KCHAN_CLIENTS_CPP_SRC_CALL_H_

#include <grpcpp/client_context.h>

#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "concat.h"
#include "kchan/client.h"
#include "rpc_status.h"

namespace kchan {

// An infinite timeout sets none.
inline void SetDeadline(grpc::ClientContext& context, absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration()) return;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
}

// Runs one unary call of `stub`. `operation` says what it does, for errors.
template <typename Response, typename Stub, typename Request>
absl::StatusOr<Response> Call(const ClientOptions& options, Stub stub,
                              grpc::Status (Stub::element_type::*method)(grpc::ClientContext*,
                                                                         const Request&, Response*),
                              const Request& request, std::string_view operation) {
  grpc::ClientContext context;
  SetDeadline(context, options.call_timeout);
  Response response;
  const grpc::Status status = (*stub.*method)(&context, request, &response);
  if (!status.ok()) {
    return FromGrpcStatus(status, Concat(operation, " at ", options.target));
  }
  return response;
}

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_CALL_H_
