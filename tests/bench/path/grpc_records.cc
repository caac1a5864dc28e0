// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/grpcpp.h>

#include <string>
#include <thread>

#include "bench.grpc.pb.h"
#include "tests/bench/path/credentials.h"
#include "tests/bench/path/method.h"

namespace kchan::bench {
namespace {

// Writes the next record as soon as the last one was taken.
class EagerWriter final : public grpc::ServerWriteReactor<v1::Record> {
 public:
  explicit EagerWriter(size_t record_bytes) {
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

class EagerService final : public RecordService::CallbackService {
 public:
  explicit EagerService(size_t record_bytes) : record_bytes_(record_bytes) {}
  grpc::ServerWriteReactor<v1::Record>* Stream(grpc::CallbackServerContext*,
                                               const StreamRequest*) override {
    return new EagerWriter(record_bytes_);
  }

 private:
  const size_t record_bytes_;
};

// A thread for each call, as a simple streaming service has.
class PacedService final : public RecordService::Service {
 public:
  explicit PacedService(const Setup& setup) : setup_(setup) {}
  grpc::Status Stream(grpc::ServerContext*, const StreamRequest*,
                      grpc::ServerWriter<v1::Record>* writer) override {
    v1::Record record;
    record.set_payload(std::string(setup_.record_bytes, 'x'));
    Pacer pacer(setup_.rate);
    do {
      pacer.Wait();
      record.set_sequence(record.sequence() + 1);
      PutStamp(record.mutable_payload()->data());
    } while (writer->Write(record));
    return grpc::Status::OK;
  }

 private:
  const Setup setup_;
};

class GrpcRecords final : public Method {
 public:
  void Send(const Setup& setup, void (*ready)()) override {
    EagerService eager(setup.record_bytes);
    PacedService paced(setup);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(AddressOf(setup), ServerCredentialsOf(setup));
    if (setup.rate > 0) {
      builder.RegisterService(&paced);
    } else {
      builder.RegisterService(&eager);
    }
    const auto server = builder.BuildAndStart();
    ready();
    server->Wait();
  }

  void Receive(const Setup& setup, const std::atomic<bool>& stop, Progress& progress) override {
    const auto stub = RecordService::NewStub(OwnChannel(setup));
    grpc::ClientContext context;
    const auto reader = stub->Stream(&context, StreamRequest());
    v1::Record record;
    while (!stop && reader->Read(&record)) {
      if (setup.rate > 0) progress.latencies_ns.push_back(AgeOf(record.payload().data()));
      progress.payload_bytes.fetch_add(record.payload().size(), std::memory_order_relaxed);
      progress.records.fetch_add(1, std::memory_order_relaxed);
    }
    context.TryCancel();
  }
};

}  // namespace

std::unique_ptr<Method> MakeGrpcRecords() { return std::make_unique<GrpcRecords>(); }

}  // namespace kchan::bench
