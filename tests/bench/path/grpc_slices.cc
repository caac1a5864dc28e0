// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <string>
#include <vector>

#include "kchan/v1/record.pb.h"
#include "tests/bench/path/credentials.h"
#include "tests/bench/path/method.h"

namespace kchan::bench {
namespace {

constexpr size_t kMessageBytes = 256 << 10;
constexpr char kMethod[] = "/kchan.bench.Slices/Stream";

grpc::Slice EncodeMessage(size_t record_bytes) {
  v1::Batch batch;
  while (batch.ByteSizeLong() < kMessageBytes) {
    v1::Record* record = batch.add_records();
    record->set_sequence(static_cast<uint64_t>(batch.records_size()));
    record->set_boottime_ns(1);
    record->set_payload(std::string(record_bytes, 'x'));
  }
  return grpc::Slice(batch.SerializeAsString());
}

// Sends one message that was encoded beforehand, for ever: what gRPC itself
// can do, with nothing of ours in the way.
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

class GrpcSlices final : public Method {
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

  // Counts records by the message's size: the ceiling does not even look.
  void Receive(const Setup& setup, const std::atomic<bool>& stop, Progress& progress) override {
    v1::Batch batch;
    const grpc::Slice sent = EncodeMessage(setup.record_bytes);
    batch.ParseFromArray(sent.begin(), static_cast<int>(sent.size()));
    const auto records = static_cast<uint64_t>(batch.records_size());

    grpc::GenericStub stub(OwnChannel(setup));
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    const auto call = stub.PrepareCall(&context, kMethod, &queue);
    void* tag = nullptr;
    bool ok = false;
    call->StartCall(nullptr);
    queue.Next(&tag, &ok);
    grpc::ByteBuffer message;
    while (ok && !stop) {
      call->Read(&message, nullptr);
      if (!queue.Next(&tag, &ok) || !ok) break;
      progress.payload_bytes.fetch_add(records * setup.record_bytes, std::memory_order_relaxed);
      progress.records.fetch_add(records, std::memory_order_relaxed);
    }
    context.TryCancel();
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
  }
};

}  // namespace

std::unique_ptr<Method> MakeGrpcSlices() { return std::make_unique<GrpcSlices>(); }

}  // namespace kchan::bench
