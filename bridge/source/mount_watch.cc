// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/mount_watch.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <cerrno>
#include <utility>

namespace kchan::source {
namespace {

constexpr char kMountTable[] = "/proc/self/mountinfo";

}  // namespace

absl::StatusOr<std::unique_ptr<MountWatch>> MountWatch::Create(EventLoop& loop,
                                                               std::function<void()> on_change) {
  auto mounts = std::unique_ptr<MountWatch>(new MountWatch());
  mounts->table_ = UniqueFd(open(kMountTable, O_RDONLY | O_CLOEXEC));
  if (!mounts->table_) return absl::ErrnoToStatus(errno, kMountTable);
  // EPOLLIN is always there; a change is EPOLLPRI, until it has been told.
  auto watch = FdWatch::Create(loop, mounts->table_.get(), EPOLLPRI,
                               [on_change = std::move(on_change)](uint32_t) { on_change(); });
  if (!watch.ok()) return watch.status();
  mounts->watch_ = *std::move(watch);
  return mounts;
}

}  // namespace kchan::source
