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
// this reader alone has lost.
std::string EncodeHeader(std::string_view channel, const hub::LogBatch& batch) {
  Encoder own;
  own.Bytes(wire::kBatchChannel, channel);
  own.Fixed64(wire::kBatchEpoch, batch.epoch);
  own.Fixed64(wire::kBatchSchemaId, batch.schema_id);
  own.Varint(wire::kBatchFirstSequence, batch.first_sequence);
  own.Varint(wire::kBatchLastSequence, batch.last_sequence);
  own.Varint(wire::kBatchFiltered, batch.filtered);
  own.Varint(wire::kBatchSampled, batch.sampled);
  if (batch.clock_offset_ns) {
    own.Fixed64(wire::kBatchClockOffset, static_cast<uint64_t>(*batch.clock_offset_ns));
  }
  if (batch.loss) own.Bytes(wire::kBatchLost, EncodeLost(*batch.loss));

  Encoder header;
  header.Length(kResponseBatch, own.bytes().size() + batch.body_bytes);
  return header.bytes() + own.bytes();
}

grpc::Slice ToGrpc(const hub::SegmentSlice& slice) {
  using Reference = hub::SegmentSlice;
  // gRPC takes a mutable pointer, but never writes through it.
  auto* bytes = const_cast<std::byte*>(slice.bytes.data());
  return grpc::Slice(
      bytes, slice.bytes.size(), [](void* held) { delete static_cast<Reference*>(held); },
      new Reference(slice));
}

}  // namespace

grpc::ByteBuffer BatchMessage(std::string_view channel, const hub::LogBatch& batch) {
  std::vector<grpc::Slice> slices;
  slices.reserve(1 + batch.slices.size());
  slices.emplace_back(EncodeHeader(channel, batch));
  for (const hub::SegmentSlice& slice : batch.slices) slices.push_back(ToGrpc(slice));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace kchan::rpc
