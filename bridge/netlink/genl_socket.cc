// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/genl_socket.h"

#include <utility>

#include "bridge/netlink/netlink_answer.h"

namespace kchan::netlink {
namespace {

// A dump of every channel with all its parameters fits many times over.
constexpr int kReplyBytes = 1 << 20;
// For the reply only: whatever the family does, it did while we were sending.
constexpr absl::Duration kReplyTimeout = absl::Seconds(5);

}  // namespace

absl::StatusOr<std::unique_ptr<GenlSocket>> GenlSocket::Open() {
  auto socket = NetlinkSocket::Open(kReplyBytes);
  if (!socket.ok()) return socket.status();
  return std::make_unique<GenlSocket>(*std::move(socket));
}

absl::StatusOr<NetlinkAck> GenlSocket::Ask(GenlRequest& request, OnGenlMessage on_reply) {
  request.SetSequence(++sequence_);
  const std::span<const std::byte> sent = request.bytes();
  if (sent.empty()) return absl::InvalidArgumentError("netlink request: larger than its bound");
  absl::Status status = socket_->Send(sent);
  if (!status.ok()) return status;

  NetlinkAnswer answer(*socket_, sent);
  while (!answer.is_over()) {
    status = answer.Read(kReplyTimeout, [&](const nlmsghdr& header, auto payload) {
      GenlMessage message;
      const absl::Status parsed = ParseGenlMessage(header, payload, &message);
      return parsed.ok() ? on_reply(message) : parsed;
    });
    if (!status.ok()) return status;
  }
  return answer.ack();
}

absl::StatusOr<std::unique_ptr<GenlMulticast>> GenlMulticast::Open(int receive_bytes) {
  auto socket = NetlinkSocket::Open(receive_bytes);
  if (!socket.ok()) return socket.status();
  return std::make_unique<GenlMulticast>(*std::move(socket));
}

absl::StatusOr<MulticastRead> GenlMulticast::Read(int max_datagrams, OnGenlMessage on_message) {
  MulticastRead result;
  for (int i = 0; i < max_datagrams && !result.dry && !result.overrun; ++i) {
    const auto received = socket_->Receive(absl::ZeroDuration());
    if (!received.ok()) return received.status();
    switch (*received) {
      case NetlinkSocket::Received::kNothing:
        result.dry = true;
        break;
      case NetlinkSocket::Received::kOverrun:
        result.overrun = true;
        break;
      case NetlinkSocket::Received::kDatagram: {
        absl::Status refused;
        (void)VisitMessages(socket_->datagram(), [&](const nlmsghdr& header, auto payload) {
          GenlMessage message;
          if (header.nlmsg_type < NLMSG_MIN_TYPE) return absl::OkStatus();
          if (!ParseGenlMessage(header, payload, &message).ok()) return absl::OkStatus();
          return refused = on_message(message);
        });
        if (!refused.ok()) return refused;
        break;
      }
    }
  }
  // Not every loss gives an ENOBUFS of its own, and the count must be looked
  // at when the queue runs dry.
  if (result.dry) result.lost_messages = socket_->TakeDrops();
  result.overrun = result.overrun || result.lost_messages != 0;
  return result;
}

}  // namespace kchan::netlink
