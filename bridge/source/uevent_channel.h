// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_UEVENT_CHANNEL_H_
#define KCHAN_BRIDGE_SOURCE_UEVENT_CHANNEL_H_

#include <cstdint>
#include <memory>
#include <string>

#include "bridge/source/event_loop.h"
#include "bridge/source/host_channel.h"

namespace kchan::source {

// Why there is no other channel of classic netlink.
inline constexpr char kClassicNetlinkReason[] =
    "classic netlink has 32 protocol numbers in all and the kernel owns every one, so a module "
    "cannot have one of its own: use generic netlink; of the kernel's, kchand offers "
    "kobject_uevent alone, to read";

// Kobject uevents as the channel "uevent": the one channel of classic netlink.
class UeventChannel final : public HostChannel {
 public:
  UeventChannel(EventLoop& loop, int receive_bytes);

  uint64_t generation() const override { return generation_; }
  absl::StatusOr<std::unique_ptr<RecordSource>> Attach(hub::ValueFeed& values) override;
  std::string RemedyFor(const absl::Status& status) const override;
  hub::KernelAnswer Publish(uint32_t type, std::span<const std::byte> payload) override;

 private:
  EventLoop& loop_;
  const int receive_bytes_;
  uint64_t generation_ = 1;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_UEVENT_CHANNEL_H_
