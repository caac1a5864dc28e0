// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/netlink_group_source.h"

#include <linux/netlink.h>

#include <utility>

#include "bridge/hub/boottime.h"
#include "bridge/netlink/genl_message.h"

namespace kchan::source {

NetlinkGroupSource::NetlinkGroupSource(EventLoop& loop, uint16_t family_id, uint64_t generation,
                                       bool after_gap,
                                       std::unique_ptr<netlink::NetlinkSocket> socket)
    : MulticastSource(loop, generation, std::move(socket)),
      family_id_(family_id),
      after_gap_(after_gap) {}

absl::StatusOr<std::unique_ptr<NetlinkGroupSource>> NetlinkGroupSource::Create(
    EventLoop& loop, uint16_t family_id, uint64_t generation, bool after_gap,
    std::unique_ptr<netlink::NetlinkSocket> socket) {
  auto source = std::unique_ptr<NetlinkGroupSource>(
      new NetlinkGroupSource(loop, family_id, generation, after_gap, std::move(socket)));
  if (absl::Status status = source->Watch(); !status.ok()) return status;
  return source;
}

void NetlinkGroupSource::Start(hub::Log& log, OnEnd on_end) {
  MulticastSource::Start(log, std::move(on_end));
  if (after_gap_) Lose(0, hub::LossStage::kKernelTransport, "family registered anew");
}

void NetlinkGroupSource::Take(std::span<const std::byte> datagram) {
  const uint64_t boottime_ns = hub::BoottimeNow();
  const absl::Status status =
      netlink::VisitMessages(datagram, [&](const nlmsghdr& header, auto payload) {
        // Marks such as NLMSG_DONE, which some families multicast too.
        if (header.nlmsg_type < NLMSG_MIN_TYPE) return absl::OkStatus();
        netlink::GenlMessage message;
        const absl::Status parsed = netlink::ParseGenlMessage(header, payload, &message);
        // Nobody else has this group as long as the family is there.
        if (!parsed.ok() || message.family != family_id_) return parsed;
        log().Append({.boottime_ns = boottime_ns, .cpu = 0, .type = message.command}, message.body);
        return absl::OkStatus();
      });
  if (!status.ok()) Lose(1, hub::LossStage::kSource, "netlink message not understood");
}

}  // namespace kchan::source
