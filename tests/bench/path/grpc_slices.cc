// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <utility>

#include "tests/bench/path/credentials.h"
#include "tests/bench/path/slice_method.h"

namespace kchan::bench {
namespace {

class Writer final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Writer(const grpc::Slice& message) : message_(&message, 1) { StartWrite(&message_); }
  void OnWriteDone(bool ok) override {
    if (ok) {
      StartWrite(&message_);
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer message_;
};

class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(grpc::Slice message) : message_(std::move(message)) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Writer(message_);
  }

 private:
  const grpc::Slice message_;
};

class GrpcSlices final : public SliceMethod {
 public:
  void Send(const Setup& setup, void (*ready)()) override {
    Service service(EncodeMessage(setup.record_bytes));
    grpc::ServerBuilder builder;
    builder.AddListeningPort(AddressOf(setup), ServerCredentialsOf(setup));
    builder.RegisterCallbackGenericService(&service);
    const auto server = builder.BuildAndStart();
    ready();
    server->Wait();
  }
};

}  // namespace

std::unique_ptr<Method> MakeGrpcSlices() { return std::make_unique<GrpcSlices>(); }

}  // namespace kchan::bench
