// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KERNEL_SIDE_H_
#define KCHAN_BRIDGE_SOURCE_KERNEL_SIDE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "bridge/hub/cpus.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/hub/running_calls.h"
#include "bridge/netlink/netlink_options.h"
#include "bridge/source/host_options.h"
#include "bridge/source/kernel_link.h"
#include "bridge/source/source_policy.h"

namespace kchan::source {

struct KernelSideOptions {
  LinkOptions link;
  HostOptions host;  // offered beside the module's; their names win
  netlink::NetlinkOptions netlink = {.enabled = false};
  SourcePolicyFor policy_for;     // empty: the default policy for all
  std::optional<hub::Cpus> cpus;  // where the source thread runs; nothing: anywhere
  // Told of each call into the kernel that may block.
  std::shared_ptr<hub::RunningCalls> running = std::make_shared<hub::RunningCalls>();
};

// Everything between the kernel and the hub: finds the module and its
// channels, reads those that are wanted into their logs, and lets go when the
// module asks for it. No module, a wrong one, one that leaves and comes back:
// all are states, reported to the hub, and followed without a poll.
//
// Has one thread of its own, on which all reading happens.
//
// Thread safety: any thread.
//
// Lifetime: the hub outlives it, and is told of this door by the caller. The
// destructor releases every ring and file; what was not read stays in the
// kernel for the channel's linger time.
class KernelSide final : public hub::KernelDoor {
 public:
  // Has looked for the module and listed its channels when it returns. A
  // status only if this process cannot have an epoll or a netlink socket.
  static absl::StatusOr<std::unique_ptr<KernelSide>> Start(hub::Hub& hub,
                                                           KernelSideOptions options);
  ~KernelSide() override;

  // Applies to all channels from now on.
  void SetPolicy(SourcePolicyFor policy_for);

  hub::KernelAnswer Publish(const std::string& channel, uint32_t type,
                            std::span<const std::byte> payload) override;
  hub::KernelAnswer Update(const std::string& channel,
                           const hub::ChannelSettings& settings) override;
  absl::StatusOr<hub::ValueSnapshot> ReadValues(const std::string& channel) override;
  absl::StatusOr<hub::ValueChanged> ChangeValue(const std::string& channel,
                                                const hub::ValueChange& change) override;
  absl::Status ReadBlocks(const std::string& channel, uint64_t offset,
                          std::span<std::byte> to) override;
  absl::Status WriteBlocks(const std::string& channel, uint64_t offset,
                           std::span<const std::byte> from) override;
  absl::Status FlushBlocks(const std::string& channel) override;
  void DemandChanged(std::shared_ptr<hub::Channel> channel) override;

 private:
  class Impl;
  explicit KernelSide(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KERNEL_SIDE_H_
