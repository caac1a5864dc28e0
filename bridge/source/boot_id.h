// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_BOOT_ID_H_
#define KCHAN_BRIDGE_SOURCE_BOOT_ID_H_

#include <fstream>
#include <string>

namespace kchan::source {

// Of the kernel that runs; the same until it is booted anew.
inline std::string BootId() {
  std::string id;
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::getline(file, id);
  return id;
}

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_BOOT_ID_H_
