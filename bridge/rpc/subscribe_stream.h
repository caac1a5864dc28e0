// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_SUBSCRIBE_STREAM_H_
#define KCHAN_BRIDGE_RPC_SUBSCRIBE_STREAM_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "bridge/hub/subscription.h"
#include "bridge/rpc/caller.h"
#include "bridge/rpc/core.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "kchan/v1/channel_service.pb.h"

struct grpc_call;

namespace kchan::rpc {

// One Subscribe call: a hub::Subscription and its connection.
//
// gRPC's callbacks and the hub only note what happened and ask the pump for a
// turn; everything is done in that turn. At most one read and one write are on
// the way, so memory per stream is bounded by one batch and one request.
//
// Thread safety: see the parts below.
//
// Lifetime: owns itself until OnDone().
class SubscribeStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                              public Pump::Task,
                              public Stream,
                              public Pinner {
 public:
  using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

  // For gRPC: serves the call, or ends it if there are too many.
  static Reactor* Start(Core& core, Caller caller, grpc::CallbackServerContext* context);

  SubscribeStream(Core& core, Lane& lane, Caller caller, grpc::CallbackServerContext* context);
  ~SubscribeStream() override;

  // Any thread.
  void EndSoon(const absl::Status& status) override;
  void PolicyChanged() override { Notify(); }

  // gRPC's threads.
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // The lane's thread, as everything below.
  uint64_t evicted_bytes() const override;
  void EndPinning() override;

 private:
  using TimePoint = Pump::Clock::time_point;

  // What happened since the last turn.
  enum Event : uint32_t {
    kRead = 1 << 0,       // request_ holds a request
    kReadEnded = 1 << 1,  // no more requests
    kWritten = 1 << 2,    // the write is done
    kWriteFailed = 1 << 3,
    kCancelled = 1 << 4,
    kOutput = 1 << 5,    // the subscription may have something
    kEndAsked = 1 << 6,  // end_status_ is set
  };

  // Tells the hub's notifications from other reasons for a turn.
  class OutputWaiter final : public hub::Waiter {
   public:
    explicit OutputWaiter(SubscribeStream& stream) : stream_(stream) {}
    void Notify() override { stream_.Happened(kOutput); }

   private:
    SubscribeStream& stream_;
  };

  void Happened(Event event);

  void Run() override;
  void ClockSet() override;

  // False: the call has ended, touch nothing.
  bool FollowPolicy();
  bool HandleEvents(uint32_t events);
  bool HandleRequest();
  absl::Status Apply(const v1::SubscribeRequest& request);
  absl::Status Open(const v1::SubscribeRequest::Open& open);
  absl::Status Acknowledge(const v1::SubscribeRequest::Acknowledge& acknowledge);
  absl::Status HalfClosed();

  // Writes the most urgent thing, if there is any and no write is on the way.
  void Send();
  void LookAtClock();
  void TryOutputNow(TimePoint now);
  TimePoint EndByClock() const;
  bool SendOutput();
  void SendHello();
  void SendHeartbeat();
  void Write(grpc::ByteBuffer buffer);
  void WriteDone();
  void ArmDeadline();

  std::vector<hub::ChannelCursor> DeliveredCursors() const;
  void End(const absl::Status& status);

  Core& core_;
  Caller caller_;
  PinnedGuard& guard_;
  grpc_call* const call_;  // referenced: outlives gRPC's own use
  std::shared_ptr<SubscribeStream> self_;
  std::atomic<uint32_t> events_{0};
  std::mutex end_mutex_;
  absl::Status end_status_;  // guarded by end_mutex_

  grpc::ByteBuffer request_;  // gRPC's while a read is on the way
  grpc::ByteBuffer message_;  // kept until its write is done

  // Only in the pump's turns.
  OutputWaiter output_waiter_{*this};
  std::unique_ptr<hub::Subscription> subscription_;  // from Open() to End()
  bool ended_ = false;
  bool windowed_ = false;
  bool writing_ = false;
  bool hello_due_ = false;
  bool clock_set_ = false;
  bool try_output_ = false;  // the subscription may have something
  bool unfinished_ = false;  // and a turn is asked for to look on
  TimePoint hold_until_;     // when it may be asked: max_delay
  TimePoint last_write_;
  TimePoint tell_withheld_at_;  // at the latest
  std::chrono::nanoseconds max_delay_{0};
  std::chrono::nanoseconds heartbeat_interval_{0};
  std::optional<hub::BatchOut> in_flight_;
  PinnedGuard::Place guard_place_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_SUBSCRIBE_STREAM_H_
