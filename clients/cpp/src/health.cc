// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include "absl/time/clock.h"
#include "concat.h"
#include "google/protobuf/wrappers.pb.h"
#include "kchan/client.h"
#include "rpc_status.h"

namespace kchan {

// HealthCheckRequest { string service = 1; } and HealthCheckResponse
// { ServingStatus status = 1; } are a StringValue and an Int32Value on the
// wire, so that a library of one call needs no copy of grpc.health.v1.
absl::StatusOr<bool> Client::CheckHealth(std::string_view service) {
  using google::protobuf::Int32Value;
  using google::protobuf::StringValue;
  constexpr int kServing = 1;

  StringValue request;
  request.set_value(std::string(service));
  Int32Value response;
  grpc::Status status;

  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + options_.call_timeout));
  grpc::TemplatedGenericStub<StringValue, Int32Value> stub(channel_);
  const auto call =
      stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", request, &queue);
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag;
  bool ok;
  queue.Next(&tag, &ok);

  if (!status.ok()) {
    return FromGrpcStatus(
        status, Concat("check the health of ", service.empty() ? "the daemon" : service, " at ",
                       options_.target));
  }
  return response.value() == kServing;
}

}  // namespace kchan
