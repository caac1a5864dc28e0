// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_BLOCK_WRITE_STREAM_H_
#define KCHAN_BRIDGE_RPC_BLOCK_WRITE_STREAM_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "bridge/rpc/caller.h"
#include "bridge/rpc/core.h"
#include "grpcpp/support/server_callback.h"
#include "kchan/v1/block.pb.h"

namespace kchan::rpc {

// One WriteBlocks call: reads an extent from the client, writes it on a door
// thread, reads the next.
//
// Thread safety: gRPC's callbacks and the door thread take turns; only ending
// can come from elsewhere, which mutex_ orders.
//
// Lifetime: owns itself until OnDone(); `response` is gRPC's until then.
class BlockWriteStream final : public grpc::ServerReadReactor<v1::WriteBlocksRequest>,
                               public Stream,
                               public std::enable_shared_from_this<BlockWriteStream> {
 public:
  using Reactor = grpc::ServerReadReactor<v1::WriteBlocksRequest>;

  // For gRPC: serves the call, or ends it if there are too many.
  static Reactor* Start(Core& core, Caller caller, v1::WriteBlocksResponse* response);

  BlockWriteStream(Core& core, Caller caller, v1::WriteBlocksResponse* response)
      : core_(core), caller_(std::move(caller)), response_(response) {}

  // Any thread. An extent that the kernel is writing is waited for.
  void EndSoon(const absl::Status& status) override;

  void OnReadDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void WriteOnDoorThread();
  // Writes one request's extent, and flushes if asked to.
  absl::Status Write();
  absl::Status CheckRequest();
  void End(const absl::Status& status);
  // False: it has ended already. Under mutex_.
  bool MarkEndedLocked(const absl::Status& status);

  Core& core_;
  Caller caller_;
  v1::WriteBlocksResponse* const response_;
  std::shared_ptr<BlockWriteStream> self_;
  v1::WriteBlocksRequest request_;
  std::string channel_;  // of the first request that was allowed
  uint64_t written_bytes_ = 0;

  std::mutex mutex_;
  bool at_door_ = false;
  bool ended_ = false;
  absl::Status end_status_;  // end with this once back from the door
  absl::StatusCode ended_with_ = absl::StatusCode::kOk;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_BLOCK_WRITE_STREAM_H_
