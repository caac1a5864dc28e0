// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_COMPONENT_READER_H_
#define KCHAN_TESTS_COMPONENT_READER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "grpcpp/client_context.h"
#include "grpcpp/support/sync_stream.h"
#include "kchan/v1/channel_service.grpc.pb.h"

namespace kchan::testing {

// What a reader has of one channel in one epoch. Every batch must continue the
// one before and satisfy the arithmetic; a test that adds one which does not
// fails.
struct Ledger {
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t records = 0;
  uint64_t lost = 0;
  uint64_t filtered = 0;
  uint64_t sampled = 0;  // of these
  uint64_t bytes = 0;
  std::map<v1::LossStage, uint64_t> lost_at;
};

// A client of Subscribe that uses nothing of ours but the protos.
//
// Thread safety: one thread, but Cancel() from any.
class Reader {
 public:
  // A call that takes longer than this has failed.
  static constexpr int kDeadlineSeconds = 30;

  explicit Reader(v1::ChannelService::Stub& stub);
  Reader(v1::ChannelService::Stub& stub, const v1::SubscribeRequest::Open& open);
  ~Reader();

  bool Send(const v1::SubscribeRequest& request);
  void Open(const v1::SubscribeRequest::Open& open);
  void Acknowledge(const std::string& channel, uint64_t epoch, uint64_t sequence);
  void Pause();
  void Resume();
  void HalfClose() { stream_->WritesDone(); }
  void Cancel() { context_.TryCancel(); }

  // The next response, entered in the ledgers; nothing: the stream has ended.
  std::optional<v1::SubscribeResponse> Next();

  // Reads until `enough`; false: the stream ended before.
  bool Until(const std::function<bool(const v1::SubscribeResponse&)>& enough);
  // Reads until `channel` in `epoch` is covered up to `sequence`.
  bool UntilSequence(const std::string& channel, uint64_t epoch, uint64_t sequence);

  // Reads to the end; how it ended.
  grpc::Status Finish();

  // Of a channel that had one epoch, or nothing yet: then it is all zeros.
  const Ledger& ledger(const std::string& channel) const;
  const Ledger& ledger(const std::string& channel, uint64_t epoch) const;

 private:
  void Enter(const v1::Batch& batch);

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SubscribeRequest, v1::SubscribeResponse>> stream_;
  std::map<std::pair<std::string, uint64_t>, Ledger> ledgers_;
  std::optional<grpc::Status> status_;
};

// A request to subscribe to `channel` (a glob if it has a `*`).
v1::SubscribeRequest::Open OpenOf(const std::string& channel);
v1::SubscribeRequest::Open OpenFromOldest(const std::string& channel);

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_COMPONENT_READER_H_
