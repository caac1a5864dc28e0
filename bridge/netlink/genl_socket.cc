// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/genl_socket.h"

#include <utility>

namespace kchan::netlink {
namespace {

// A dump of every channel with all its parameters fits many times over.
constexpr int kReplyBytes = 1 << 20;
// For the reply only: whatever the family does, it did while we were sending.
constexpr absl::Duration kReplyTimeout = absl::Seconds(5);

// One answer to the request whose number is `sequence`. Sets *done with the
// last one. Answers to earlier requests, which were given up, are left out.
absl::Status TakeAnswer(const nlmsghdr& header, std::span<const std::byte> payload,
                        uint32_t sequence, std::span<const std::byte> request,
                        OnGenlMessage on_reply, NetlinkAck* ack, bool* done) {
  if (header.nlmsg_seq != sequence || *done) return absl::OkStatus();
  if (header.nlmsg_flags & NLM_F_DUMP_INTR) ack->dump_interrupted = true;
  switch (header.nlmsg_type) {
    case NLMSG_NOOP:
      return absl::OkStatus();
    case NLMSG_ERROR:
    case NLMSG_DONE:
      *done = true;
      return ParseAck(header, payload, request, ack);
    default:
      break;
  }
  GenlMessage message;
  const absl::Status status = ParseGenlMessage(header, payload, &message);
  return status.ok() ? on_reply(message) : status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GenlSocket>> GenlSocket::Open() {
  auto socket = NetlinkSocket::Open(kReplyBytes);
  if (!socket.ok()) return socket.status();
  return std::unique_ptr<GenlSocket>(new GenlSocket(*std::move(socket)));
}

absl::StatusOr<NetlinkAck> GenlSocket::Ask(GenlRequest& request, OnGenlMessage on_reply) {
  request.SetSequence(++sequence_);
  const std::span<const std::byte> sent = request.bytes();
  if (sent.empty()) return absl::InvalidArgumentError("netlink request: larger than its bound");
  absl::Status status = socket_->Send(sent);
  if (!status.ok()) return status;

  NetlinkAck ack;
  bool done = false;
  while (!done) {
    const auto received = socket_->Receive(kReplyTimeout);
    if (!received.ok()) return received.status();
    if (*received == NetlinkSocket::Received::kNothing) {
      return absl::DeadlineExceededError("netlink request: the kernel did not answer");
    }
    if (*received == NetlinkSocket::Received::kOverrun) {
      return absl::ResourceExhaustedError("netlink request: the answer did not fit the socket");
    }
    status = VisitMessages(socket_->datagram(), [&](const nlmsghdr& header, auto payload) {
      return TakeAnswer(header, payload, sequence_, sent, on_reply, &ack, &done);
    });
    if (!status.ok()) return status;
  }
  return ack;
}

absl::StatusOr<std::unique_ptr<GenlMulticast>> GenlMulticast::Open(int receive_bytes) {
  auto socket = NetlinkSocket::Open(receive_bytes);
  if (!socket.ok()) return socket.status();
  return std::unique_ptr<GenlMulticast>(new GenlMulticast(*std::move(socket)));
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
  if (const uint64_t drops = socket_->drops(); result.dry && drops != drops_seen_) {
    // The kernel counts in 32 bits.
    result.lost_messages = static_cast<uint32_t>(drops - drops_seen_);
    drops_seen_ = drops;
    result.overrun = true;
  }
  return result;
}

}  // namespace kchan::netlink
