// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/batch_message.h"

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "bridge/hub/wire.h"
#include "grpcpp/support/slice.h"
#include "kchan/v1/channel_service.pb.h"

namespace kchan::rpc {
namespace {

namespace wire = hub::wire;

constexpr uint32_t kResponseBatch = v1::SubscribeResponse::kBatchFieldNumber;

// Appends fields to a string; those that are zero are left out, as proto3 does.
class Encoder {
 public:
  void Varint(uint32_t field, uint64_t value) {
    if (value == 0) return;
    PutVarint(wire::Tag(field, wire::kVarint));
    PutVarint(value);
  }

  void Fixed64(uint32_t field, uint64_t value) {
    if (value == 0) return;
    PutVarint(wire::Tag(field, wire::kFixed64));
    std::array<std::byte, sizeof(value)> bytes;
    wire::PutFixed64(bytes.data(), value);
    Append(bytes.data(), bytes.size());
  }

  void Bytes(uint32_t field, std::string_view value) {
    if (value.empty()) return;
    Length(field, value.size());
    bytes_.append(value);
  }

  // The beginning of a message of `size` bytes that follow.
  void Length(uint32_t field, size_t size) {
    PutVarint(wire::Tag(field, wire::kBytes));
    PutVarint(size);
  }

  void Optional(uint32_t field, const std::optional<uint32_t>& value) {
    if (!value) return;
    PutVarint(wire::Tag(field, wire::kVarint));
    PutVarint(*value);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  void PutVarint(uint64_t value) {
    std::array<std::byte, 10> bytes;
    const std::byte* end = wire::PutVarint(bytes.data(), value);
    Append(bytes.data(), static_cast<size_t>(end - bytes.data()));
  }

  void Append(const std::byte* bytes, size_t size) {
    bytes_.append(reinterpret_cast<const char*>(bytes), size);
  }

  std::string bytes_;
};

std::string EncodeLost(const hub::Loss& loss) {
  Encoder lost;
  lost.Varint(wire::kLostFirstSequence, loss.first_sequence);
  lost.Varint(wire::kLostCount, loss.count);
  lost.Varint(wire::kLostStage, static_cast<uint64_t>(loss.stage));
  lost.Optional(wire::kLostCpu, loss.cpu);
  lost.Bytes(wire::kLostCause, loss.cause);
  return lost.bytes();
}

// Everything that comes before the slices: the batch's own fields, and what
// this reader alone has lost. `body_bytes` follow.
std::string EncodeHeader(std::string_view channel, const hub::LogBatch& batch, size_t body_bytes) {
  Encoder own;
  own.Bytes(wire::kBatchChannel, channel);
  own.Fixed64(wire::kBatchEpoch, batch.epoch);
  own.Fixed64(wire::kBatchSchemaId, batch.schema_id);
  own.Varint(wire::kBatchFirstSequence, batch.first_sequence);
  own.Varint(wire::kBatchLastSequence, batch.last_sequence);
  own.Varint(wire::kBatchFiltered, batch.filtered);
  own.Varint(wire::kBatchSampled, batch.sampled);
  if (batch.loss) own.Bytes(wire::kBatchLost, EncodeLost(*batch.loss));

  Encoder header;
  header.Length(kResponseBatch, own.bytes().size() + body_bytes);
  return header.bytes() + own.bytes();
}

grpc::Slice ToGrpc(const hub::SegmentSlice& slice) {
  using Reference = std::shared_ptr<const hub::Segment>;
  // gRPC takes a mutable pointer, but never writes through it.
  auto* bytes = const_cast<std::byte*>(slice.bytes.data());
  return grpc::Slice(
      bytes, slice.bytes.size(), [](void* held) { delete static_cast<Reference*>(held); },
      new Reference(slice.segment));
}

// A batch behind its header: the log's own bytes where they are many, copied
// together where a selection has left little runs, since a reference costs more
// than copying those; and the reader's losses in their places.
class Body {
 public:
  explicit Body(const hub::LogBatch& batch) {
    auto loss = batch.losses.begin();
    for (size_t i = 0; i <= batch.slices.size(); ++i) {
      for (; loss != batch.losses.end() && loss->slice == i; ++loss) AddLoss(loss->loss);
      if (i < batch.slices.size()) Add(batch.slices[i]);
    }
    Flush();
  }

  size_t bytes() const { return bytes_; }
  const std::vector<grpc::Slice>& slices() const { return slices_; }

 private:
  static constexpr size_t kLittleBytes = 1 << 10;

  void Add(const hub::SegmentSlice& slice) {
    if (slice.bytes.size() < kLittleBytes) {
      copied_.append(reinterpret_cast<const char*>(slice.bytes.data()), slice.bytes.size());
      return;
    }
    Flush();
    slices_.push_back(ToGrpc(slice));
    bytes_ += slice.bytes.size();
  }

  void AddLoss(const hub::Loss& loss) {
    Encoder element;
    element.Bytes(wire::kBatchLost, EncodeLost(loss));
    copied_ += element.bytes();
  }

  void Flush() {
    if (copied_.empty()) return;
    bytes_ += copied_.size();
    slices_.emplace_back(copied_);
    copied_.clear();
  }

  std::vector<grpc::Slice> slices_;
  size_t bytes_ = 0;
  std::string copied_;
};

}  // namespace

grpc::ByteBuffer BatchMessage(std::string_view channel, const hub::LogBatch& batch) {
  const Body body(batch);
  std::vector<grpc::Slice> slices;
  slices.reserve(1 + body.slices().size());
  slices.emplace_back(EncodeHeader(channel, batch, body.bytes()));
  slices.insert(slices.end(), body.slices().begin(), body.slices().end());
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace kchan::rpc
