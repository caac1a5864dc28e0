// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/netlink_group_source.h"

#include <linux/netlink.h>
#include <sys/epoll.h>

#include <utility>

#include "bridge/netlink/genl_message.h"
#include "bridge/source/host_channel.h"

namespace kchan::source {
namespace {

constexpr int kDatagramsPerTurn = 64;

}  // namespace

NetlinkGroupSource::NetlinkGroupSource(EventLoop& loop, uint16_t family_id, uint64_t generation,
                                       bool after_gap,
                                       std::unique_ptr<netlink::NetlinkSocket> socket)
    : family_id_(family_id),
      generation_(generation),
      after_gap_(after_gap),
      socket_(std::move(socket)),
      timer_(loop, [this] { Turn(); }) {}

absl::StatusOr<std::unique_ptr<NetlinkGroupSource>> NetlinkGroupSource::Create(
    EventLoop& loop, uint16_t family_id, uint64_t generation, bool after_gap,
    std::unique_ptr<netlink::NetlinkSocket> socket) {
  auto source = std::unique_ptr<NetlinkGroupSource>(
      new NetlinkGroupSource(loop, family_id, generation, after_gap, std::move(socket)));
  auto watch =
      FdWatch::Create(loop, source->socket_->fd(), EPOLLIN, [source = source.get()](uint32_t) {
        if (source->log_ != nullptr) source->timer_.Start(absl::ZeroDuration());
      });
  if (!watch.ok()) return watch.status();
  source->watch_ = *std::move(watch);
  return source;
}

void NetlinkGroupSource::Start(hub::Log& log, OnEnd on_end) {
  log_ = &log;
  on_end_ = std::move(on_end);
  if (after_gap_) {
    Lose(0, hub::LossStage::kKernelTransport, "family registered anew");
  }
  timer_.Start(absl::ZeroDuration());
}

void NetlinkGroupSource::ChannelGone() {
  // Its last messages are queued already: the kernel sent them first.
  is_gone_ = true;
  if (log_ != nullptr) timer_.Start(absl::ZeroDuration());
}

void NetlinkGroupSource::Turn() {
  for (int i = 0; i < kDatagramsPerTurn; ++i) {
    const auto received = socket_->Receive(absl::ZeroDuration());
    if (!received.ok()) return End(received.status());
    switch (*received) {
      case netlink::NetlinkSocket::Received::kDatagram:
        Take(socket_->datagram());
        break;
      case netlink::NetlinkSocket::Received::kOverrun:
        overrun_ = true;
        break;
      case netlink::NetlinkSocket::Received::kNothing:
        return Dry();
    }
  }
  log_->Publish();
  timer_.Start(absl::ZeroDuration());
}

void NetlinkGroupSource::Dry() {
  // What was queued came before what found no room: only now.
  if (std::exchange(overrun_, false)) {
    const auto drops = static_cast<uint32_t>(socket_->drops());
    const uint32_t lost = drops - std::exchange(drops_told_, drops);  // the kernel's wraps, too
    if (lost != 0) Lose(lost, hub::LossStage::kKernelTransport, "netlink socket full");
  }
  if (is_gone_) return End(absl::OkStatus());
  log_->Publish();
}

void NetlinkGroupSource::End(absl::Status status) {
  timer_.Cancel();
  log_->Publish();
  const OnEnd on_end = std::move(on_end_);
  on_end(std::move(status));
}

void NetlinkGroupSource::Take(std::span<const std::byte> datagram) {
  const uint64_t boottime_ns = BoottimeNs();
  const absl::Status status =
      netlink::VisitMessages(datagram, [&](const nlmsghdr& header, auto payload) {
        // Marks such as NLMSG_DONE, which some families multicast too.
        if (header.nlmsg_type < NLMSG_MIN_TYPE) return absl::OkStatus();
        netlink::GenlMessage message;
        const absl::Status parsed = netlink::ParseGenlMessage(header, payload, &message);
        // Nobody else has this group as long as the family is there.
        if (!parsed.ok() || message.family != family_id_) return parsed;
        log_->Append({.boottime_ns = boottime_ns, .cpu = 0, .type = message.command}, message.body);
        return absl::OkStatus();
      });
  if (!status.ok()) Lose(1, hub::LossStage::kSource, "netlink message not understood");
}

void NetlinkGroupSource::Lose(uint64_t count, hub::LossStage stage, const char* cause) {
  log_->AppendLoss(
      {.first_sequence = 0, .count = count, .stage = stage, .cpu = std::nullopt, .cause = cause});
}

}  // namespace kchan::source
