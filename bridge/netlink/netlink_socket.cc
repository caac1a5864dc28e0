// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/netlink_socket.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kchan::netlink {
namespace {

// The longest message that can come: one record of KCHAN_MAX_RECORD_BYTES with
// all around it. A datagram that does not fit would lose its rest.
constexpr size_t kBufferBytes = 128 << 10;

absl::Status SetOption(int fd, int option, int value) {
  if (setsockopt(fd, SOL_NETLINK, option, &value, sizeof(value)) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("netlink socket: option ", option));
}

// Each datagram says who sent it: see IsFromKernel().
absl::Status AskForCredentials(int fd) {
  const int on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "netlink socket: option SO_PASSCRED");
}

// Any process may send to our port, but port 0 is the kernel's. It also relays
// uevents that the owner of a network namespace makes up, as from port 0: those
// carry their maker's process id, the kernel's own 0.
bool IsFromKernel(msghdr& header, const sockaddr_nl& from) {
  if (header.msg_namelen != sizeof(from) || from.nl_pid != 0) return false;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS) continue;
    ucred sender;
    std::memcpy(&sender, CMSG_DATA(part), sizeof(sender));
    return sender.pid == 0;
  }
  return false;
}

void SetReceiveBytes(int fd, int bytes) {
  // FORCE passes the system's limit but needs CAP_NET_ADMIN; without it the
  // socket has what the limit allows, and reports what it loses.
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  }
}

}  // namespace

NetlinkSocket::NetlinkSocket(int fd) : fd_(fd), buffer_(kBufferBytes) {}

NetlinkSocket::~NetlinkSocket() { close(fd_); }

absl::StatusOr<std::unique_ptr<NetlinkSocket>> NetlinkSocket::Open(int receive_bytes,
                                                                   int protocol) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0) return absl::ErrnoToStatus(errno, "netlink socket: cannot be opened");
  auto result = std::unique_ptr<NetlinkSocket>(new NetlinkSocket(fd));

  SetReceiveBytes(fd, receive_bytes);
  absl::Status status = SetOption(fd, NETLINK_EXT_ACK, 1);
  // An error then echoes only our header, never a payload of any length.
  if (status.ok()) status = SetOption(fd, NETLINK_CAP_ACK, 1);
  if (status.ok()) status = AskForCredentials(fd);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (status.ok() && bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    status = absl::ErrnoToStatus(errno, "netlink socket: cannot be bound");
  }
  if (!status.ok()) return status;
  return result;
}

absl::Status NetlinkSocket::Join(uint32_t group) {
  const absl::Status status = SetOption(fd_, NETLINK_ADD_MEMBERSHIP, static_cast<int>(group));
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat("netlink socket: cannot join group ", group, ": ",
                                   status.message(), ": joining may need CAP_NET_ADMIN"));
}

absl::Status NetlinkSocket::Leave(uint32_t group) {
  return SetOption(fd_, NETLINK_DROP_MEMBERSHIP, static_cast<int>(group));
}

absl::Status NetlinkSocket::CheckStrictly() { return SetOption(fd_, NETLINK_GET_STRICT_CHK, 1); }

absl::Status NetlinkSocket::Send(std::span<const std::byte> message) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent = sendto(fd_, message.data(), message.size(), 0,
                              reinterpret_cast<sockaddr*>(&kernel), sizeof(kernel));
  if (sent == static_cast<ssize_t>(message.size())) return absl::OkStatus();
  return absl::ErrnoToStatus(sent < 0 ? errno : EMSGSIZE, "netlink socket: cannot send");
}

absl::StatusOr<NetlinkSocket::Received> NetlinkSocket::Receive(absl::Duration timeout) {
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
  for (;;) {
    sockaddr_nl from{};
    iovec part{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
    msghdr header{};
    header.msg_name = &from;
    header.msg_namelen = sizeof(from);
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char credentials[CMSG_SPACE(sizeof(ucred))];
    header.msg_control = credentials;
    header.msg_controllen = sizeof(credentials);
    const ssize_t size = recvmsg(fd_, &header, 0);
    if (size >= 0) {
      if (!IsFromKernel(header, from)) continue;
      if (header.msg_flags & MSG_TRUNC) {
        return absl::DataLossError(
            absl::StrCat("netlink socket: a message of more than ", buffer_.size(), " bytes came"));
      }
      datagram_ = std::span(buffer_).first(static_cast<size_t>(size));
      return Received::kDatagram;
    }
    if (errno == EINTR) continue;
    if (errno == ENOBUFS) return Received::kOverrun;
    if (errno != EAGAIN) return absl::ErrnoToStatus(errno, "netlink socket: cannot receive");

    const absl::Duration left = absl::FromChrono(deadline - std::chrono::steady_clock::now());
    if (left <= absl::ZeroDuration()) return Received::kNothing;
    // A negative descriptor is left out.
    pollfd waits[] = {{.fd = fd_, .events = POLLIN, .revents = 0},
                      {.fd = wake_fd_, .events = POLLIN, .revents = 0}};
    const timespec patience = absl::ToTimespec(left);
    ppoll(waits, std::size(waits), &patience, nullptr);
    if (waits[1].revents != 0) return Received::kNothing;
  }
}

uint32_t NetlinkSocket::TakeDrops() {
  uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof(memory);
  if (getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, memory, &size) != 0) return 0;
  const uint32_t drops = memory[SK_MEMINFO_DROPS];
  return drops - std::exchange(drops_taken_, drops);
}

}  // namespace kchan::netlink
