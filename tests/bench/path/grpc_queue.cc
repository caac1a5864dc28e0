// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <thread>
#include <vector>

#include "tests/bench/path/credentials.h"
#include "tests/bench/path/slice_method.h"

namespace kchan::bench {
namespace {

// The state of one call, and its tag: there is one operation at a time.
class Call {
 public:
  Call(grpc::AsyncGenericService& service, grpc::ServerCompletionQueue& queue,
       const grpc::ByteBuffer& message)
      : service_(service), queue_(queue), message_(message) {
    service_.RequestCall(&context_, &stream_, &queue_, &queue_, this);
  }

  // Its operation is done. False: the call is over.
  bool Go(bool ok) {
    if (is_ending_) return false;
    if (!is_accepted_) {
      if (!ok) return false;
      is_accepted_ = true;
      new Call(service_, queue_, message_);  // for the next who comes
    }
    is_ending_ = !ok;
    if (ok) {
      stream_.Write(message_, this);
    } else {
      stream_.Finish(grpc::Status::OK, this);
    }
    return true;
  }

 private:
  grpc::AsyncGenericService& service_;
  grpc::ServerCompletionQueue& queue_;
  const grpc::ByteBuffer& message_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_{&context_};
  bool is_accepted_ = false;
  bool is_ending_ = false;
};

void Poll(grpc::ServerCompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) {
    Call* call = static_cast<Call*>(tag);
    if (!call->Go(ok)) delete call;
  }
}

class GrpcQueue final : public SliceMethod {
 public:
  explicit GrpcQueue(unsigned queues) : count_(queues) {}

  void Send(const Setup& setup, void (*ready)()) override {
    const grpc::Slice slice = EncodeMessage(setup.record_bytes);
    const grpc::ByteBuffer message(&slice, 1);
    grpc::AsyncGenericService service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(AddressOf(setup), ServerCredentialsOf(setup));
    builder.RegisterAsyncGenericService(&service);
    std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues;
    for (unsigned i = 0; i < count_; ++i) queues.push_back(builder.AddCompletionQueue());
    const auto server = builder.BuildAndStart();
    std::vector<std::thread> threads;
    for (const auto& queue : queues) {
      new Call(service, *queue, message);
      threads.emplace_back([&queue] { Poll(*queue); });
    }
    ready();
    for (std::thread& thread : threads) thread.join();
  }

 private:
  const unsigned count_;
};

}  // namespace

std::unique_ptr<Method> MakeGrpcQueue() { return std::make_unique<GrpcQueue>(1); }
std::unique_ptr<Method> MakeGrpcQueues() {
  return std::make_unique<GrpcQueue>(std::thread::hardware_concurrency());
}

}  // namespace kchan::bench
