// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_GENL_SOCKET_H_
#define KCHAN_BRIDGE_NETLINK_GENL_SOCKET_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/netlink/genl_message.h"
#include "bridge/netlink/netlink_ack.h"
#include "bridge/netlink/netlink_socket.h"

namespace kchan::netlink {

using OnGenlMessage = absl::FunctionRef<absl::Status(const GenlMessage&)>;

// Asks the kernel's families: one request at a time, each waited for.
//
// The kernel serves a request while it is being sent, so waiting takes as long
// as the family's own code: microseconds, except where that sleeps.
//
// Thread safety: one thread at a time. Threads that may block have their own.
class GenlSocket {
 public:
  static absl::StatusOr<std::unique_ptr<GenlSocket>> Open();
  // On a socket that is open already, such as one of another network namespace.
  explicit GenlSocket(std::unique_ptr<NetlinkSocket> socket) : socket_(std::move(socket)) {}

  // Sends `request` (with NLM_F_ACK or NLM_F_DUMP) and calls `on_reply` for
  // each message that answers it. Returns the kernel's verdict, which may be
  // an error. A status: no verdict came (DEADLINE_EXCEEDED), the answer was
  // malformed, or on_reply's.
  absl::StatusOr<NetlinkAck> Ask(GenlRequest& request, OnGenlMessage on_reply);

  // Of no use any more but for its socket.
  std::unique_ptr<NetlinkSocket> TakeSocket() && { return std::move(socket_); }

 private:
  std::unique_ptr<NetlinkSocket> socket_;
  uint32_t sequence_ = 0;
};

// What GenlMulticast::Read() has found out besides messages.
struct MulticastRead {
  bool dry = false;            // nothing more was queued
  bool overrun = false;        // messages were lost since the last Read()
  uint64_t lost_messages = 0;  // of those, as far as the kernel counts them
};

// Receives what families multicast. Its descriptor is to be watched; read
// until dry.
//
// Thread safety: one thread at a time.
class GenlMulticast {
 public:
  static absl::StatusOr<std::unique_ptr<GenlMulticast>> Open(int receive_bytes);
  explicit GenlMulticast(std::unique_ptr<NetlinkSocket> socket) : socket_(std::move(socket)) {}

  absl::Status Join(uint32_t group) { return socket_->Join(group); }

  // Calls `on_message` for what is queued, at most `max_datagrams` of it, and
  // returns at once when it learns of an overrun; where among the messages
  // around that the lost ones were cannot be known. A malformed message is left
  // out. A status: the socket is of no more use, or on_message's.
  absl::StatusOr<MulticastRead> Read(int max_datagrams, OnGenlMessage on_message);

  int fd() const { return socket_->fd(); }

 private:
  const std::unique_ptr<NetlinkSocket> socket_;
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_GENL_SOCKET_H_
