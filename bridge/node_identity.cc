// SPDX-License-Identifier: Apache-2.0
#include "bridge/node_identity.h"

#include <linux/kchan.h>
#include <sys/utsname.h>

#include <fstream>
#include <string>
#include <utility>

namespace kchan {

const char* Version() { return KCHAN_VERSION; }

rpc::NodeIdentity ThisNode(std::string name) {
  rpc::NodeIdentity node;
  node.name = std::move(name);
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), node.boot_id);
  utsname kernel{};
  if (uname(&kernel) == 0) node.kernel_release = kernel.release;
  node.daemon_version = Version();
  node.daemon_abi = std::to_string(KCHAN_ABI_MAJOR) + "." + std::to_string(KCHAN_ABI_MINOR);
  return node;
}

}  // namespace kchan
