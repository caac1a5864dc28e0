// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/uevent_source.h"

#include <linux/netlink.h>
#include <sys/epoll.h>

#include <utility>

#include "bridge/source/host_channel.h"
#include "bridge/source/payload_builder.h"
#include "bridge/source/uevent_message.h"

namespace kchan::source {
namespace {

constexpr int kDatagramsPerTurn = 64;
constexpr uint32_t kKernelGroup = 1;  // udev's own is 2

}  // namespace

UeventSource::UeventSource(EventLoop& loop, uint64_t generation,
                           std::unique_ptr<netlink::NetlinkSocket> socket)
    : generation_(generation), socket_(std::move(socket)), timer_(loop, [this] { Turn(); }) {}

absl::StatusOr<std::unique_ptr<UeventSource>> UeventSource::Open(EventLoop& loop,
                                                                 uint64_t generation,
                                                                 int receive_bytes) {
  auto socket = netlink::NetlinkSocket::Open(receive_bytes, NETLINK_KOBJECT_UEVENT);
  if (!socket.ok()) return socket.status();
  if (absl::Status status = (*socket)->Join(kKernelGroup); !status.ok()) return status;
  auto source =
      std::unique_ptr<UeventSource>(new UeventSource(loop, generation, *std::move(socket)));
  auto watch =
      FdWatch::Create(loop, source->socket_->fd(), EPOLLIN, [source = source.get()](uint32_t) {
        if (source->log_ != nullptr) {
          source->timer_.Start(absl::ZeroDuration());
        }
      });
  if (!watch.ok()) return watch.status();
  source->watch_ = *std::move(watch);
  return source;
}

void UeventSource::Start(hub::Log& log, OnEnd on_end) {
  log_ = &log;
  on_end_ = std::move(on_end);
  timer_.Start(absl::ZeroDuration());
}

void UeventSource::Turn() {
  for (int i = 0; i < kDatagramsPerTurn; ++i) {
    const auto received = socket_->Receive(absl::ZeroDuration());
    if (!received.ok()) {
      log_->Publish();
      const OnEnd on_end = std::move(on_end_);
      return on_end(received.status());
    }
    switch (*received) {
      case netlink::NetlinkSocket::Received::kDatagram:
        Take(socket_->datagram());
        break;
      case netlink::NetlinkSocket::Received::kOverrun:
        overrun_ = true;
        break;
      case netlink::NetlinkSocket::Received::kNothing:
        // What was queued came before what found no room: only now.
        if (std::exchange(overrun_, false)) LoseDrops();
        log_->Publish();
        return;
    }
  }
  log_->Publish();
  timer_.Start(absl::ZeroDuration());
}

void UeventSource::Take(std::span<const std::byte> datagram) {
  const auto message = ParseUevent(datagram);
  if (!message) {
    log_->AppendLoss({.first_sequence = 0,
                      .count = 1,
                      .stage = hub::LossStage::kSource,
                      .cpu = std::nullopt,
                      .cause = "uevent not understood"});
    return;
  }
  PayloadBuilder<UeventPayload> payload;
  UeventPayload fixed{};
  fixed.seqnum = message->seqnum;
  fixed.action = payload.Add(message->action);
  fixed.devpath = payload.Add(message->devpath);
  fixed.subsystem = payload.Add(message->subsystem);
  fixed.properties = payload.Add(message->properties);
  log_->Append({.boottime_ns = BoottimeNs(), .cpu = 0, .type = kUeventRecordType},
               payload.Finish(fixed));
}

void UeventSource::LoseDrops() {
  const auto drops = static_cast<uint32_t>(socket_->drops());
  const uint32_t lost = drops - std::exchange(drops_told_, drops);  // the kernel's wraps, too
  if (lost == 0) return;
  log_->AppendLoss({.first_sequence = 0,
                    .count = lost,
                    .stage = hub::LossStage::kKernelTransport,
                    .cpu = std::nullopt,
                    .cause = "netlink socket full"});
}

}  // namespace kchan::source
