// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/multicast_source.h"

#include <sys/epoll.h>

#include <utility>

namespace kchan::source {
namespace {

constexpr int kDatagramsPerTurn = 64;

}  // namespace

MulticastSource::MulticastSource(EventLoop& loop, uint64_t generation,
                                 std::unique_ptr<netlink::NetlinkSocket> socket)
    : loop_(loop),
      generation_(generation),
      socket_(std::move(socket)),
      timer_(loop, [this] { Turn(); }) {}

absl::Status MulticastSource::Watch() {
  auto watch = FdWatch::Create(loop_, socket_->fd(), EPOLLIN, [this](uint32_t) {
    if (log_ != nullptr) timer_.Start(absl::ZeroDuration());
  });
  if (!watch.ok()) return watch.status();
  watch_ = *std::move(watch);
  return absl::OkStatus();
}

void MulticastSource::Start(hub::Log& log, OnEnd on_end) {
  log_ = &log;
  on_end_ = std::move(on_end);
  timer_.Start(absl::ZeroDuration());
}

void MulticastSource::EndWhenDry() {
  ends_ = true;
  if (log_ != nullptr) timer_.Start(absl::ZeroDuration());
}

void MulticastSource::Turn() {
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

void MulticastSource::Dry() {
  // What was queued came before what found no room: only now.
  if (std::exchange(overrun_, false)) {
    const uint32_t lost = socket_->TakeDrops();
    if (lost != 0) Lose(lost, hub::LossStage::kKernelTransport, "netlink socket full");
  }
  if (ends_) return End(absl::OkStatus());
  log_->Publish();
}

void MulticastSource::End(absl::Status status) {
  timer_.Cancel();
  log_->Publish();
  // May destroy us.
  const OnEnd on_end = std::move(on_end_);
  on_end(std::move(status));
}

void MulticastSource::Lose(uint64_t count, hub::LossStage stage, const char* cause) {
  log_->AppendLoss({.count = count, .stage = stage, .cause = cause});
}

}  // namespace kchan::source
