// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/uevent_source.h"

#include <linux/netlink.h>

#include <utility>

#include "bridge/hub/boottime.h"
#include "bridge/source/payload_builder.h"
#include "bridge/source/uevent_message.h"

namespace kchan::source {
namespace {

constexpr uint32_t kKernelGroup = 1;  // udev's own is 2

}  // namespace

absl::StatusOr<std::unique_ptr<UeventSource>> UeventSource::Open(EventLoop& loop,
                                                                 uint64_t generation,
                                                                 int receive_bytes) {
  auto socket = netlink::NetlinkSocket::Open(receive_bytes, NETLINK_KOBJECT_UEVENT);
  if (!socket.ok()) return socket.status();
  if (absl::Status status = (*socket)->Join(kKernelGroup); !status.ok()) return status;
  auto source =
      std::unique_ptr<UeventSource>(new UeventSource(loop, generation, *std::move(socket)));
  if (absl::Status status = source->Watch(); !status.ok()) return status;
  return source;
}

void UeventSource::Take(std::span<const std::byte> datagram) {
  const auto message = ParseUevent(datagram);
  if (!message) return Lose(1, hub::LossStage::kSource, "uevent not understood");
  PayloadBuilder<UeventPayload> payload;
  UeventPayload fixed{};
  fixed.seqnum = message->seqnum;
  fixed.action = payload.Add(message->action);
  fixed.devpath = payload.Add(message->devpath);
  fixed.subsystem = payload.Add(message->subsystem);
  fixed.properties = payload.Add(message->properties);
  log().Append({.boottime_ns = hub::BoottimeNow(), .cpu = 0, .type = kUeventRecordType},
               payload.Finish(fixed));
}

}  // namespace kchan::source
