// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_PUMPED_WRITER_H_
#define KCHAN_BRIDGE_RPC_PUMPED_WRITER_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "bridge/rpc/caller.h"
#include "bridge/rpc/open_streams.h"
#include "bridge/rpc/pump.h"
#include "bridge/rpc/status.h"
#include "grpcpp/support/server_callback.h"

namespace kchan::rpc {

// A call that only writes, one response at a time, from the pump's turns: what
// all such calls share of starting, being cancelled and ending.
//
// Thread safety: EndSoon() from any thread, On*() from gRPC's, the rest in the
// pump's turns.
//
// Lifetime: owns itself from Begin() until OnDone().
template <typename Response>
class PumpedWriter : public grpc::ServerWriteReactor<Response>, public Pump::Task, public Stream {
 public:
  using Reactor = grpc::ServerWriteReactor<Response>;

  void EndSoon(const absl::Status& status) final {
    {
      const std::lock_guard lock(end_mutex_);
      end_status_ = status;
    }
    Notify();
  }

  void PolicyChanged() final { Notify(); }

  void OnWriteDone(bool ok) final {
    (ok ? written_ : cancelled_) = true;
    Notify();
  }

  void OnCancel() final {
    cancelled_ = true;
    Notify();
  }

  void OnDone() final {
    open_.Remove(this);
    const std::shared_ptr<PumpedWriter> self = std::move(self_);
  }

 protected:
  PumpedWriter(Pump& pump, OpenStreams& open, Caller caller)
      : Task(pump), open_(open), caller_(std::move(caller)) {}

  const Caller& caller() const { return caller_; }

  // Whether its caller may still have all this, by another policy.
  virtual absl::Status CheckRights() = 0;

  // Serves `writer`'s call, or ends it if there are too many.
  static Reactor* Begin(const std::shared_ptr<PumpedWriter>& writer) {
    writer->self_ = writer;
    absl::Status status = writer->open_.Add(writer);
    if (!status.ok()) writer->EndSoon(status);
    writer->Notify();
    return writer.get();
  }

  // A turn in which nothing is being written: Write() or arm for what comes.
  virtual void Turn() = 0;
  // The response that was given to Write() is the caller's again.
  virtual void Written() {}
  // The call ends: disarm everything. No turn follows.
  virtual void Release() = 0;

  void Write(const Response* response) {
    writing_ = true;
    this->StartWrite(response);
  }

  void End(const absl::Status& status) {
    ended_ = true;
    Release();
    this->Finish(ToGrpcStatus(status));  // OnDone() may come before this returns
  }

 private:
  void Run() final {
    if (ended_) return;
    if (cancelled_) return End(absl::CancelledError("the client went away"));
    if (const absl::Status status = end_status(); !status.ok()) return End(status);
    if (caller_.Renew()) {
      if (const absl::Status status = CheckRights(); !status.ok()) return End(status);
    }
    if (written_.exchange(false)) {
      writing_ = false;
      Written();
    }
    if (!writing_) Turn();
  }

  absl::Status end_status() {
    const std::lock_guard lock(end_mutex_);
    return end_status_;
  }

  OpenStreams& open_;
  Caller caller_;
  std::shared_ptr<PumpedWriter> self_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> written_{false};
  std::mutex end_mutex_;
  absl::Status end_status_;  // guarded by end_mutex_

  // Only in the pump's turns.
  bool writing_ = false;
  bool ended_ = false;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_PUMPED_WRITER_H_
