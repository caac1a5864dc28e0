// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_WATCH_STREAM_H_
#define KCHAN_BRIDGE_RPC_WATCH_STREAM_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "bridge/hub/channel.h"
#include "bridge/rpc/core.h"
#include "bridge/rpc/pumped_writer.h"
#include "kchan/v1/channel_service.pb.h"

namespace kchan::rpc {

// One WatchChannels call: compares the hub with what this client knows, each
// time that the hub's version grows and the client has taken everything.
// Memory is bounded by the number of channels, however slow the client is. A
// channel that this client may not read is none.
//
// Thread safety and lifetime: as PumpedWriter.
class WatchStream final : public PumpedWriter<v1::WatchChannelsResponse> {
 public:
  // For gRPC: serves the call, or ends it if there are too many.
  static Reactor* Start(Core& core, Caller caller);

  WatchStream(Core& core, Caller caller)
      : PumpedWriter(core.lanes.Next().pump, core.watches, std::move(caller)), core_(core) {}

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

  void Turn() override;
  void Written() override { queue_.pop_front(); }
  void Release() override { core_.hub.Disarm(this); }
  absl::Status CheckRights() override;
  // Queues what differs from known_; nothing does: armed for the next change.
  void Compare();
  void CompareOnce();

  Core& core_;
  std::map<std::string, Known> known_;
  std::deque<v1::WatchChannelsResponse> queue_;  // the first is being written, if one is
  uint64_t seen_version_ = 0;
  bool synced_ = false;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_WATCH_STREAM_H_
