// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/grpcpp.h>

#include <string>

#include "bench.grpc.pb.h"
#include "tests/bench/throughput/method.h"

namespace kchan::bench {
namespace {

// Writes the next record as soon as the last one was taken.
class Writer final : public grpc::ServerWriteReactor<v1::Record> {
 public:
  explicit Writer(size_t record_bytes) {
    record_.set_payload(std::string(record_bytes, 'x'));
    WriteNext();
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      WriteNext();
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnDone() override { delete this; }

 private:
  void WriteNext() {
    record_.set_sequence(record_.sequence() + 1);
    record_.set_boottime_ns(record_.boottime_ns() + 1000);
    StartWrite(&record_);
  }

  v1::Record record_;
};

class Service final : public RecordService::CallbackService {
 public:
  explicit Service(size_t record_bytes) : record_bytes_(record_bytes) {}
  grpc::ServerWriteReactor<v1::Record>* Stream(grpc::CallbackServerContext*,
                                               const StreamRequest*) override {
    return new Writer(record_bytes_);
  }

 private:
  const size_t record_bytes_;
};

class GrpcRecords final : public Method {
 public:
  void Send(uint16_t port, size_t record_bytes, void (*ready)()) override {
    Service service(record_bytes);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port),
                             grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    const auto server = builder.BuildAndStart();
    ready();
    server->Wait();
  }

  void Receive(uint16_t port, size_t, const std::atomic<bool>& stop, Progress& progress) override {
    const auto stub = RecordService::NewStub(grpc::CreateChannel(
        "127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    const auto reader = stub->Stream(&context, StreamRequest());
    v1::Record record;
    while (!stop && reader->Read(&record)) {
      progress.payload_bytes.fetch_add(record.payload().size(), std::memory_order_relaxed);
      progress.records.fetch_add(1, std::memory_order_relaxed);
    }
    context.TryCancel();
  }
};

}  // namespace

std::unique_ptr<Method> MakeGrpcRecords() { return std::make_unique<GrpcRecords>(); }

}  // namespace kchan::bench
