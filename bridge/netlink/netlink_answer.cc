// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/netlink_answer.h"

#include <cstring>

#include "bridge/netlink/genl_message.h"

namespace kchan::netlink {

NetlinkAnswer::NetlinkAnswer(NetlinkSocket& socket, std::span<const std::byte> request)
    : socket_(socket), request_(request) {
  nlmsghdr header{};
  if (request.size() >= sizeof(header)) std::memcpy(&header, request.data(), sizeof(header));
  sequence_ = header.nlmsg_seq;
  is_dump_ = (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

absl::Status NetlinkAnswer::Read(absl::Duration timeout, OnNetlinkMessage on_message) {
  const auto received = socket_.Receive(timeout);
  if (!received.ok()) return received.status();
  switch (*received) {
    case NetlinkSocket::Received::kNothing:
      return absl::DeadlineExceededError("netlink request: the kernel did not answer");
    case NetlinkSocket::Received::kOverrun:
      return absl::ResourceExhaustedError("netlink request: the answer did not fit the socket");
    case NetlinkSocket::Received::kDatagram:
      break;
  }
  return VisitMessages(socket_.datagram(), [&](const nlmsghdr& header, auto payload) {
    return Take(header, payload, on_message);
  });
}

absl::Status NetlinkAnswer::Take(const nlmsghdr& header, std::span<const std::byte> payload,
                                 OnNetlinkMessage on_message) {
  if (header.nlmsg_seq != sequence_ || is_over_) return absl::OkStatus();
  if (header.nlmsg_flags & NLM_F_DUMP_INTR) ack_.dump_interrupted = true;
  switch (header.nlmsg_type) {
    case NLMSG_NOOP:
      return absl::OkStatus();
    case NLMSG_DONE:
      // Some families end an answer of several parts with it, and are
      // acknowledged as all others behind that.
      if (!is_dump_) return absl::OkStatus();
      [[fallthrough]];
    case NLMSG_ERROR:
      is_over_ = true;
      return ParseAck(header, payload, request_, &ack_);
    default:
      return on_message(header, payload);
  }
}

}  // namespace kchan::netlink
