// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_VALUE_WATCH_STREAM_H_
#define KCHAN_BRIDGE_RPC_VALUE_WATCH_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bridge/hub/value_reader.h"
#include "bridge/rpc/core.h"
#include "bridge/rpc/pumped_writer.h"
#include "bridge/rpc/value_messages.h"
#include "kchan/v1/value.pb.h"

namespace kchan::rpc {

// One WatchValues call: a hub::ValueReader for each channel. One write is on
// the way at most, and nothing is queued behind it: when it is done, the next
// holds what is current then. Channels take turns.
//
// Thread safety and lifetime: as PumpedWriter.
class ValueWatchStream final : public PumpedWriter<v1::WatchValuesResponse> {
 public:
  // For gRPC: serves the call, or ends it if the request is wrong, if its caller
  // may not, or if there are too many.
  static Reactor* Start(Core& core, Caller caller, const v1::WatchValuesRequest& request);

  ValueWatchStream(Core& core, Caller caller, ValueWatchRequest request);

 private:
  using TimePoint = Pump::Clock::time_point;

  struct Watched {
    std::unique_ptr<hub::ValueReader> reader;
    bool opened = false;      // its first update was sent
    bool sample_due = false;  // a sample time has come
    TimePoint last_sent;
  };

  bool is_sampled() const { return request_.sample_interval.count() > 0; }
  bool has_heartbeats() const { return request_.heartbeat_interval.count() > 0; }

  void Turn() override;
  void Release() override;
  absl::Status CheckRights() override;
  void Open();
  // False: the call has ended.
  bool FollowHub();
  void MarkSamples(TimePoint now);
  // Makes the next response; false: there is nothing to say.
  bool Next(TimePoint now);
  bool IsDue(Watched& watched, TimePoint now) const;
  bool IsHeartbeatDue(const Watched& watched, TimePoint now) const;
  // Arms for whatever comes next; false: it has come already.
  bool Wait();
  void ArmDeadline();

  Core& core_;
  const ValueWatchRequest request_;

  std::vector<Watched> watched_;
  size_t turn_ = 0;
  uint64_t hub_version_ = 0;
  TimePoint patience_ends_;  // for channels whose first values do not come
  TimePoint next_sample_;
  v1::WatchValuesResponse response_;  // the one that is being written
  bool synced_ = false;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_VALUE_WATCH_STREAM_H_
