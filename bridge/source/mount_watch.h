// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_MOUNT_WATCH_H_
#define KCHAN_BRIDGE_SOURCE_MOUNT_WATCH_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/unique_fd.h"

namespace kchan::source {

// Tells of each change of what is mounted, where this process sees it. That is
// how a network namespace gets its name in /run/netns, and loses it.
//
// Thread safety: the source thread only.
class MountWatch {
 public:
  static absl::StatusOr<std::unique_ptr<MountWatch>> Create(EventLoop& loop,
                                                            std::function<void()> on_change);

 private:
  MountWatch() = default;

  UniqueFd table_;
  std::unique_ptr<FdWatch> watch_;  // before table_ goes
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_MOUNT_WATCH_H_
