// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_WAKE_EVENT_H_
#define KCHAN_BRIDGE_NETLINK_WAKE_EVENT_H_

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "absl/status/status.h"

namespace kchan::netlink {

// Ends the waits of a thread that has its descriptor in a poll: for ever, once
// set.
//
// Thread safety: any thread.
class WakeEvent {
 public:
  WakeEvent() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~WakeEvent() {
    if (fd_ >= 0) close(fd_);
  }
  WakeEvent(const WakeEvent&) = delete;
  WakeEvent& operator=(const WakeEvent&) = delete;

  // Not OK: there is no descriptor left.
  absl::Status status() const {
    return fd_ >= 0 ? absl::OkStatus() : absl::ResourceExhaustedError("too many open files");
  }
  int fd() const { return fd_; }

  void Set() {
    const uint64_t one = 1;
    // Cannot fail but for being set already, as often as it can count.
    if (fd_ >= 0) (void)!write(fd_, &one, sizeof(one));
  }

 private:
  const int fd_;
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_WAKE_EVENT_H_
