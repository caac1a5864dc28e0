// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_LINK_OPTIONS_H_
#define KCHAN_BRIDGE_SOURCE_LINK_OPTIONS_H_

#include <cstdint>
#include <string>

namespace kchan::source {

// How the module is reached.
struct LinkOptions {
  std::string device_path = "/dev/kchan";
  // Room for records of all GENL channels that are not read yet.
  int genl_receive_bytes = 8 << 20;
  // Where the lines of LOG channels are read.
  std::string kmsg_path = "/dev/kmsg";
  // Where the files of FILE channels are.
  std::string file_directory = "/var/lib/kchand/files";
  // How long one gets before the kernel is handed the next.
  uint64_t file_rotate_bytes = 16 << 20;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_LINK_OPTIONS_H_
