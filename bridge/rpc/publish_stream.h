// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_PUBLISH_STREAM_H_
#define KCHAN_BRIDGE_RPC_PUBLISH_STREAM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "bridge/rpc/caller.h"
#include "bridge/rpc/core.h"
#include "grpcpp/support/server_callback.h"
#include "kchan/v1/channel_service.pb.h"

namespace kchan::rpc {

// One Publish call: reads a record, hands it to the kernel on a door thread,
// writes the answer, reads the next. One record at a time keeps their order
// and bounds what a client can make the kernel do at once.
//
// Thread safety: gRPC's callbacks and the door thread take turns; only ending
// can come from elsewhere, which mutex_ orders.
//
// Lifetime: owns itself until OnDone().
class PublishStream final : public grpc::ServerBidiReactor<v1::PublishRequest, v1::PublishResponse>,
                            public Stream,
                            public std::enable_shared_from_this<PublishStream> {
 public:
  using Reactor = grpc::ServerBidiReactor<v1::PublishRequest, v1::PublishResponse>;

  // For gRPC: serves the call, or ends it if there are too many.
  static Reactor* Start(Core& core, Caller caller);

  PublishStream(Core& core, Caller caller) : core_(core), caller_(std::move(caller)) {}

  // Any thread. A record that the kernel has now is answered first.
  void EndSoon(const absl::Status& status) override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  // What has become of the records for one channel.
  struct Counts {
    uint64_t taken = 0;  // by the kernel
    uint64_t refused = 0;
  };

  void PublishOnDoorThread();
  absl::Status CheckRights();
  // Notes what has become of the record; the first of a channel is audited.
  void Count(const absl::Status& status);
  void Answer(const absl::Status& status, int kernel_errno);
  void End(const absl::Status& status);

  Core& core_;
  Caller caller_;
  std::string allowed_;                   // the last channel that it was found allowed to
  std::map<std::string, Counts> counts_;  // by channel; bounded
  std::shared_ptr<PublishStream> self_;
  v1::PublishRequest request_;
  v1::PublishResponse response_;

  std::mutex mutex_;
  bool answering_ = false;  // a request is on its way to being answered
  bool ended_ = false;
  absl::Status end_status_;  // end with this once answered
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_PUBLISH_STREAM_H_
