// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_NETLINK_REQUEST_STREAM_H_
#define KCHAN_BRIDGE_RPC_NETLINK_REQUEST_STREAM_H_

#include <memory>
#include <mutex>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bridge/netlink/netlink_engine.h"
#include "bridge/netlink/wake_event.h"
#include "bridge/rpc/caller.h"
#include "bridge/rpc/core.h"
#include "grpcpp/support/server_callback.h"
#include "kchan/v1/netlink_service.pb.h"

namespace kchan::rpc {

// One Request call: receives a part of the kernel's answer on a netlink thread,
// writes it, receives the next. So a client that stalls costs a socket and one
// part; the kernel makes the rest of a dump only as it is received.
//
// Thread safety: gRPC's callbacks and the netlink thread take turns; only ending
// can come from elsewhere.
//
// Lifetime: owns itself until OnDone().
class NetlinkRequestStream final : public grpc::ServerWriteReactor<v1::RequestResponse>,
                                   public Stream,
                                   public std::enable_shared_from_this<NetlinkRequestStream> {
 public:
  using Reactor = grpc::ServerWriteReactor<v1::RequestResponse>;

  // For gRPC: serves the call, or ends it if there are too many. `request` may
  // point into what gRPC keeps until the call ends.
  static Reactor* Start(Core& core, const netlink::NetlinkEngine& engine,
                        netlink::NetlinkRequest request, Caller caller,
                        const grpc::CallbackServerContext& context);

  NetlinkRequestStream(Core& core, const netlink::NetlinkEngine& engine,
                       netlink::NetlinkRequest request, Caller caller, absl::Time deadline);

  // Any thread. Ends its wait for the kernel; a call inside the kernel returns
  // first.
  void EndSoon(const absl::Status& status) override;

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void Continue();
  void ReceiveOnNetlinkThread();
  absl::Status Begin();
  // Whether the client may still have what it is being given.
  absl::Status FollowPolicy();
  // OK: there is something to write, or it has ended.
  absl::StatusOr<netlink::AnswerPart> Receive();
  void End(const absl::Status& status);
  // A line, if it was done with kchand's capabilities.
  void AuditPrivileged(const absl::Status& status) const;
  absl::Status end_status();

  Core& core_;
  const netlink::NetlinkEngine& engine_;
  netlink::NetlinkRequest request_;
  Caller caller_;
  const absl::Time deadline_;
  netlink::Wanted wanted_;  // from Begin() on: what the request comes to
  bool is_denied_ = false;  // by its caller's rights
  std::shared_ptr<NetlinkRequestStream> self_;
  netlink::WakeEvent wake_;
  std::unique_ptr<netlink::NetlinkCall> call_;  // from Begin() on
  v1::RequestResponse response_;

  std::mutex mutex_;
  absl::Status end_status_;  // guarded by mutex_; end with this
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_NETLINK_REQUEST_STREAM_H_
