// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_BLOCK_READ_STREAM_H_
#define KCHAN_BRIDGE_RPC_BLOCK_READ_STREAM_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "bridge/rpc/block_extent.h"
#include "bridge/rpc/caller.h"
#include "bridge/rpc/core.h"
#include "grpcpp/support/server_callback.h"
#include "kchan/v1/block.pb.h"

namespace kchan::rpc {

// One ReadBlocks call: reads an extent on a door thread, writes it, reads the
// next. So a client that stalls costs one extent, and transfers take turns at
// the door.
//
// Thread safety: gRPC's callbacks and the door thread take turns; only EndSoon()
// comes from elsewhere.
//
// Lifetime: owns itself until OnDone().
class BlockReadStream final : public grpc::ServerWriteReactor<v1::ReadBlocksResponse>,
                              public Stream,
                              public std::enable_shared_from_this<BlockReadStream> {
 public:
  using Reactor = grpc::ServerWriteReactor<v1::ReadBlocksResponse>;

  // For gRPC: serves the call, or ends it if the request is wrong or if there
  // are too many.
  static Reactor* Start(Core& core, Caller caller, const v1::ReadBlocksRequest& request);

  BlockReadStream(Core& core, Caller caller, std::string channel, const BlockExtent& extent)
      : core_(core), caller_(std::move(caller)), channel_(std::move(channel)), left_(extent) {}

  // Any thread. It ends behind the extent that is being read or sent now.
  void EndSoon(const absl::Status& status) override;

  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  void Continue();
  void ReadOnDoorThread();

  Core& core_;
  Caller caller_;
  const std::string channel_;
  BlockExtent left_;
  std::shared_ptr<BlockReadStream> self_;
  v1::ReadBlocksResponse response_;

  std::mutex mutex_;
  absl::Status end_status_;  // guarded by mutex_; end with this before the next
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_BLOCK_READ_STREAM_H_
