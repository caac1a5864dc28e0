// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_BENCH_NODE_H_
#define KCHAN_CLIENTS_CLI_BENCH_NODE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/hub.h"
#include "bridge/source/kernel_side.h"

namespace kchan::cli::bench {

// What kchand is without gRPC, in this process: the kernel side, read into a
// hub. So that a figure is the method's, and not that of another reader.
//
// Thread safety: any thread.
class Node {
 public:
  // FAILED_PRECONDITION: no usable module; the message says what to do.
  static absl::StatusOr<std::unique_ptr<Node>> Start();
  ~Node();

  hub::Hub& hub() { return hub_; }
  hub::KernelDoor& door() { return *kernel_side_; }

  // NOT_FOUND names kchan_bench, which has all channels that are asked for.
  absl::StatusOr<std::shared_ptr<hub::Channel>> Find(const std::string& name) const;

 private:
  explicit Node(std::string folder);

  const std::string folder_;  // of FILE channels; removed at the end
  hub::Hub hub_;
  std::unique_ptr<source::KernelSide> kernel_side_;
};

// Waits until the channel is in `state`. What FAILED says, or
// DEADLINE_EXCEEDED.
absl::Status AwaitState(hub::Hub& hub, const hub::Channel& channel, hub::ChannelState state);

}  // namespace kchan::cli::bench

#endif  // KCHAN_CLIENTS_CLI_BENCH_NODE_H_
