// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_UNPRIVILEGED_H_
#define KCHAN_BRIDGE_NETLINK_UNPRIVILEGED_H_

#include <cstdint>

#include "absl/status/status.h"

namespace kchan::netlink {

// As long as it lives, the kernel takes this thread for one of a process without
// capabilities. What a client asks for without a right of its own is asked so:
// it gets what any process may have, whatever kchand itself may do.
//
// Thread safety: made and destroyed on the thread that it is about. Others are
// not affected.
class Unprivileged {
 public:
  Unprivileged();
  ~Unprivileged();
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

  // Not OK: it has not worked, and nothing must be asked.
  const absl::Status& status() const { return status_; }

 private:
  uint64_t effective_ = 0;  // before
  bool is_dropped_ = false;
  absl::Status status_;
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_UNPRIVILEGED_H_
