// SPDX-License-Identifier: Apache-2.0
#include "subscribe_stream.h"

#include <grpcpp/support/byte_buffer.h>

#include <vector>

namespace kchan {
namespace {

constexpr char kMethod[] = "/kchan.v1.ChannelService/Subscribe";

grpc::ByteBuffer Serialize(const v1::SubscribeRequest& request) {
  const grpc::Slice slice(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

SubscribeStream::SubscribeStream(grpc::GenericStub& stub, grpc::CompletionQueue& queue,
                                 const v1::SubscribeRequest::Open& open) {
  v1::SubscribeRequest request;
  *request.mutable_open() = open;
  first_request_ = Serialize(request);
  rpc_ = stub.PrepareCall(&context_, kMethod, &queue);
  rpc_->StartCall(Tag(Operation::kStart));
}

void SubscribeStream::Read() {
  message_ = {};
  received_.Clear();
  reading_ = true;
  rpc_->Read(&received_, Tag(Operation::kRead));
}

bool SubscribeStream::Write(const v1::SubscribeRequest& request) {
  if (!can_write()) return false;
  writing_ = true;
  rpc_->Write(Serialize(request), Tag(Operation::kWrite));
  return true;
}

void SubscribeStream::Finish() {
  writable_ = false;
  if (finishing_) return;
  finishing_ = true;
  rpc_->Finish(&status_, Tag(Operation::kFinish));
}

// A message arrives in as many pieces as the connection read it in. One copy
// of it is cheaper than walking the pieces.
bool SubscribeStream::Unpack() {
  if (received_.TrySingleSlice(&slice_).ok()) {
    message_ = {reinterpret_cast<const char*>(slice_.begin()), slice_.size()};
    return true;
  }
  std::vector<grpc::Slice> slices;
  if (!received_.Dump(&slices).ok()) return false;
  joined_.clear();
  joined_.reserve(received_.Length());
  for (const grpc::Slice& slice : slices) {
    joined_.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  message_ = joined_;
  return true;
}

SubscribeStream::Outcome SubscribeStream::CheckEnded() {
  ended_ = finished_ && !reading_ && !writing_;
  return ended_ ? Outcome::kEnded : Outcome::kNothing;
}

SubscribeStream::Outcome SubscribeStream::OnTag(void* tag, bool ok) {
  if (tag == Tag(Operation::kStart)) {
    if (!ok) {
      Finish();
      return Outcome::kNothing;
    }
    writing_ = true;
    rpc_->Write(first_request_, Tag(Operation::kWrite));
    Read();
    return Outcome::kNothing;
  }
  if (tag == Tag(Operation::kWrite)) {
    writing_ = false;
    // A write fails only on a broken stream, and then the read says so too.
    writable_ = ok && !finishing_;
    return CheckEnded();
  }
  if (tag == Tag(Operation::kRead)) {
    reading_ = false;
    if (ok && Unpack()) return Outcome::kMessage;
    Finish();
    return CheckEnded();
  }
  if (tag == Tag(Operation::kFinish)) {
    finished_ = true;
    return CheckEnded();
  }
  return Outcome::kNothing;
}

}  // namespace kchan
