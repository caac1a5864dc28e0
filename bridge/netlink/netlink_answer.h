// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_NETLINK_ANSWER_H_
#define KCHAN_BRIDGE_NETLINK_NETLINK_ANSWER_H_

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bridge/netlink/netlink_ack.h"
#include "bridge/netlink/netlink_socket.h"

namespace kchan::netlink {

using OnNetlinkMessage =
    absl::FunctionRef<absl::Status(const nlmsghdr&, std::span<const std::byte> payload)>;

// What the kernel answers to one request, datagram by datagram. Answers to
// earlier requests of the socket, which were given up, are left out.
//
// Thread safety: one thread at a time.
//
// Lifetime: `socket` and `request` outlive it.
class NetlinkAnswer {
 public:
  // `request` is what was sent: with NLM_F_DUMP, which ends with NLMSG_DONE, or
  // with NLM_F_ACK, which ends with that.
  NetlinkAnswer(NetlinkSocket& socket, std::span<const std::byte> request);

  // Waits up to `timeout` for the next datagram, and calls `on_message` for each
  // of its messages that is not the end. DEADLINE_EXCEEDED: nothing came, or the
  // socket was woken; RESOURCE_EXHAUSTED: the socket had no room for it all;
  // INVALID_ARGUMENT: malformed; or on_message's.
  absl::Status Read(absl::Duration timeout, OnNetlinkMessage on_message);

  bool is_over() const { return is_over_; }
  // The kernel's verdict, once it is over; whether it was interrupted, before.
  const NetlinkAck& ack() const { return ack_; }

 private:
  absl::Status Take(const nlmsghdr& header, std::span<const std::byte> payload,
                    OnNetlinkMessage on_message);

  NetlinkSocket& socket_;
  const std::span<const std::byte> request_;
  uint32_t sequence_ = 0;
  bool is_dump_ = false;
  bool is_over_ = false;
  NetlinkAck ack_;
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_NETLINK_ANSWER_H_
