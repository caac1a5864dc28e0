// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_WATCH_STREAM_H_
#define KCHAN_BRIDGE_RPC_WATCH_STREAM_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "bridge/hub/channel.h"
#include "bridge/rpc/core.h"
#include "grpcpp/support/server_callback.h"
#include "kchan/v1/channel_service.pb.h"

namespace kchan::rpc {

// One WatchChannels call: compares the hub with what this client knows, each
// time that the hub's version grows and the client has taken everything.
// Memory is bounded by the number of channels, however slow the client is.
//
// Thread safety and lifetime: as SubscribeStream.
class WatchStream final : public grpc::ServerWriteReactor<v1::WatchChannelsResponse>,
                          public Pump::Task,
                          public Stream {
 public:
  using Reactor = grpc::ServerWriteReactor<v1::WatchChannelsResponse>;

  // For gRPC: serves the call, or ends it if there are too many.
  static Reactor* Start(Core& core);

  explicit WatchStream(Core& core) : Task(core.pump), core_(core) {}

  // Any thread.
  void EndSoon(const absl::Status& status) override;

  // gRPC's threads.
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // What a client knows of a channel: all that counts as a change.
  struct Known {
    std::shared_ptr<const hub::ChannelDescription> description;
    std::shared_ptr<const hub::Schema> schema;
    hub::ChannelState state = hub::ChannelState::kUnspecified;
    std::string reason;
    uint64_t epoch = 0;

    friend bool operator==(const Known&, const Known&) = default;
  };

  static Known Describe(const hub::Channel& channel);

  // The pump's thread, as all that follows.
  void Run() override;
  // Queues what differs from known_; nothing does: armed for the next change.
  void Compare();
  void CompareOnce();
  void End(const absl::Status& status);

  Core& core_;
  std::shared_ptr<WatchStream> self_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> written_{false};
  std::mutex end_mutex_;
  absl::Status end_status_;  // guarded by end_mutex_

  std::map<std::string, Known> known_;
  std::deque<v1::WatchChannelsResponse> queue_;  // the first is being written if writing_
  uint64_t seen_version_ = 0;
  bool synced_ = false;
  bool writing_ = false;
  bool ended_ = false;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_WATCH_STREAM_H_
