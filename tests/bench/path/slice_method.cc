// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/path/slice_method.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <string>

#include "kchan/v1/record.pb.h"
#include "tests/bench/path/credentials.h"

namespace kchan::bench {
namespace {

constexpr size_t kMessageBytes = 256 << 10;
constexpr char kMethod[] = "/kchan.bench.Slices/Stream";

}  // namespace

grpc::Slice SliceMethod::EncodeMessage(size_t record_bytes) {
  v1::Batch batch;
  while (batch.ByteSizeLong() < kMessageBytes) {
    v1::Record* record = batch.add_records();
    record->set_sequence(static_cast<uint64_t>(batch.records_size()));
    record->set_boottime_ns(1);
    record->set_payload(std::string(record_bytes, 'x'));
  }
  return grpc::Slice(batch.SerializeAsString());
}

void SliceMethod::Receive(const Setup& setup, const std::atomic<bool>& stop, Progress& progress) {
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

}  // namespace kchan::bench
