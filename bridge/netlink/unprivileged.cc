// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/unprivileged.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace kchan::netlink {
namespace {

using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

// The system calls themselves: they are about one thread.
bool GetSets(Sets& sets) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return syscall(SYS_capget, &header, sets.data()) == 0;
}

bool SetSets(const Sets& sets) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return syscall(SYS_capset, &header, sets.data()) == 0;
}

uint64_t Effective(const Sets& sets) {
  return uint64_t{sets[1].effective} << 32 | sets[0].effective;
}

void SetEffective(Sets& sets, uint64_t effective) {
  sets[0].effective = static_cast<uint32_t>(effective);
  sets[1].effective = static_cast<uint32_t>(effective >> 32);
}

}  // namespace

Unprivileged::Unprivileged() {
  Sets sets{};
  if (GetSets(sets)) {
    effective_ = Effective(sets);
    SetEffective(sets, 0);
    if (effective_ == 0) return;
    is_dropped_ = SetSets(sets);
  }
  if (!is_dropped_) status_ = absl::ErrnoToStatus(errno, "capabilities cannot be dropped");
}

Unprivileged::~Unprivileged() {
  if (!is_dropped_) return;
  Sets sets{};
  const bool has_sets = GetSets(sets);
  SetEffective(sets, effective_);
  // They are permitted still: this cannot fail. A thread that went on without
  // them would fail later, at something else.
  if (!has_sets || !SetSets(sets)) std::abort();
}

}  // namespace kchan::netlink
