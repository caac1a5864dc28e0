// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/quiesce.h"

#include <linux/kchan.h>

#include "bridge/netlink/genl_family.h"
#include "bridge/source/kernel_control.h"

namespace kchan::source {

absl::Status QuiesceModule() {
  auto socket = netlink::GenlSocket::Open();
  if (!socket.ok()) return socket.status();
  const auto family = netlink::FindLoadedFamily(**socket, KCHAN_GENL_NAME);
  if (!family.ok()) return family.status();
  if (!*family) return absl::NotFoundError("kchan.ko is not loaded: there is nothing to quiesce");
  auto control = KernelControl::Open((*family)->id);
  if (!control.ok()) return control.status();
  return (*control)->Quiesce();
}

}  // namespace kchan::source
