// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_NETLINK_GROUP_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_NETLINK_GROUP_SOURCE_H_

#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "bridge/source/multicast_source.h"

namespace kchan::source {

// Reads what a netlink family multicasts to one group: each message is a record,
// of its command's type, from the generic-netlink header on.
class NetlinkGroupSource final : public MulticastSource {
 public:
  // `socket` has joined the group. `after_gap`: there was a time in which nobody
  // could have, so that something may be missing.
  static absl::StatusOr<std::unique_ptr<NetlinkGroupSource>> Create(
      EventLoop& loop, uint16_t family_id, uint64_t generation, bool after_gap,
      std::unique_ptr<netlink::NetlinkSocket> socket);

  void Start(hub::Log& log, OnEnd on_end) override;
  // Its last messages are queued already: the kernel sent them first.
  void ChannelGone() override { EndWhenDry(); }

 private:
  NetlinkGroupSource(EventLoop& loop, uint16_t family_id, uint64_t generation, bool after_gap,
                     std::unique_ptr<netlink::NetlinkSocket> socket);

  void Take(std::span<const std::byte> datagram) override;

  const uint16_t family_id_;
  const bool after_gap_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_NETLINK_GROUP_SOURCE_H_
