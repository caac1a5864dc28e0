// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_LINK_OPTIONS_H_
#define KCHAN_BRIDGE_SOURCE_LINK_OPTIONS_H_

#include <cstdint>
#include <string>

namespace kchan::source {

// When the kernel puts what it writes to a file on the disk.
enum class FileSync : uint8_t {
  kNone,    // as the file system pleases
  kBytes,   // after each sync_bytes, and at the file's end
  kAlways,  // after each turn of writing
};

// How the kernel writes the files of FILE channels.
struct FileWriting {
  // How long one gets before the kernel is handed the next.
  uint64_t rotate_bytes = 16 << 20;
  // How long one may get while nobody reads it; then records wait in the kernel.
  uint64_t max_bytes = 64 << 20;
  FileSync sync = FileSync::kNone;
  uint64_t sync_bytes = 0;  // kBytes only
};

// How the module is reached.
struct LinkOptions {
  std::string device_path = "/dev/kchan";
  // Room for records of all GENL channels that are not read yet.
  int genl_receive_bytes = 8 << 20;
  // Where the lines of LOG channels are read.
  std::string kmsg_path = "/dev/kmsg";
  // Where the files of FILE channels are.
  std::string file_directory = "/var/lib/kchand/files";
  FileWriting file_writing = {};
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_LINK_OPTIONS_H_
