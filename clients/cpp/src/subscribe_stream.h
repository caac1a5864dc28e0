// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_SUBSCRIBE_STREAM_H_
#define KCHAN_CLIENTS_CPP_SRC_SUBSCRIBE_STREAM_H_

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kchan/v1/channel_service.pb.h"

namespace kchan {

// SubscribeStream is one call of Subscribe, from its start to its status, on a
// completion queue that its owner waits on. Messages stay as they came: bytes.
//
// Thread safety: none, except TryCancel() from any thread.
//
// Lifetime: destroy it only when ended(), or after the completion queue has
// been shut down and drained: until then gRPC holds pointers into it.
class SubscribeStream {
 public:
  // What the owner has to do after a tag came.
  enum class Outcome { kNothing, kMessage, kEnded };

  SubscribeStream(grpc::GenericStub& stub, grpc::CompletionQueue& queue,
                  const v1::SubscribeRequest::Open& open);

  // Asks for the next message; the one before is gone. Needs nothing to be
  // asked for already.
  void Read();
  bool reading() const { return reading_; }

  // Sends a request. False: one is on its way, or the stream is not ready.
  bool Write(const v1::SubscribeRequest& request);
  bool can_write() const { return !writing_ && writable_; }

  void TryCancel() { context_.TryCancel(); }

  // Takes what the completion queue gave.
  Outcome OnTag(void* tag, bool ok);

  // After kMessage, until the next Read(): the message in one piece.
  std::string_view message() const { return message_; }

  // After kEnded: no tag of this stream will come any more.
  const grpc::Status& status() const { return status_; }
  bool ended() const { return ended_; }

 private:
  enum class Operation : char { kStart, kRead, kWrite, kFinish };

  void* Tag(Operation operation) { return &tags_[static_cast<int>(operation)]; }
  void Finish();
  bool Unpack();
  Outcome CheckEnded();

  char tags_[4] = {};
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> rpc_;
  grpc::ByteBuffer first_request_;
  grpc::ByteBuffer received_;
  grpc::Slice slice_;   // keeps message_ if it came in one piece
  std::string joined_;  // or holds it, if in several
  std::string_view message_;
  grpc::Status status_;
  bool reading_ = false;
  bool writing_ = false;
  bool writable_ = false;
  bool finishing_ = false;
  bool finished_ = false;
  bool ended_ = false;
};

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_SUBSCRIBE_STREAM_H_
