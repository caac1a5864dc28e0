// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_NETLINK_SOCKET_H_
#define KCHAN_BRIDGE_NETLINK_NETLINK_SOCKET_H_

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace kchan::netlink {

// A netlink socket, down to the datagram.
//
// libnl builds our messages, but its receive loop turns ENOBUFS into "no
// memory", drops extended acknowledgements and merges errnos: so this is our
// own.
//
// Thread safety: one thread at a time.
class NetlinkSocket {
 public:
  // `receive_bytes`: room for messages not yet read, as far as the kernel
  // grants it.
  // `protocol`: NETLINK_GENERIC, or another of the kernel's, to listen only.
  static absl::StatusOr<std::unique_ptr<NetlinkSocket>> Open(int receive_bytes,
                                                             int protocol = NETLINK_GENERIC);
  ~NetlinkSocket();
  NetlinkSocket(const NetlinkSocket&) = delete;
  NetlinkSocket& operator=(const NetlinkSocket&) = delete;

  absl::Status Join(uint32_t group);
  absl::Status Leave(uint32_t group);
  // Has the kernel refuse what it would otherwise leave unread in requests for a
  // dump.
  absl::Status CheckStrictly();
  // From now on Receive() waits no longer once `fd` is readable: that gives
  // kNothing. It stays open as long as this.
  void WakeOn(int fd) { wake_fd_ = fd; }
  absl::Status Send(std::span<const std::byte> message);

  enum class Received : uint8_t {
    kDatagram,  // see datagram()
    kNothing,   // the queue is dry, nothing came in time, or see WakeOn()
    kOverrun,   // ENOBUFS: something was lost; what is queued can still be read
  };
  // Waits up to `timeout` for a datagram. Datagrams that the kernel did not
  // send are left out. A status: the socket is of no more use.
  absl::StatusOr<Received> Receive(absl::Duration timeout);
  // The last one received; valid until the next Receive().
  std::span<const std::byte> datagram() const { return datagram_; }

  // How many messages this socket has lost for want of room since this was last
  // asked: exact, while ENOBUFS comes only once until the queue is dry.
  uint32_t TakeDrops();

  int fd() const { return fd_; }

 private:
  explicit NetlinkSocket(int fd);

  const int fd_;
  int wake_fd_ = -1;
  uint32_t drops_taken_ = 0;  // the kernel's count, which wraps
  std::vector<std::byte> buffer_;
  std::span<const std::byte> datagram_;
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_NETLINK_SOCKET_H_
