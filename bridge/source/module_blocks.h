// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_MODULE_BLOCKS_H_
#define KCHAN_BRIDGE_SOURCE_MODULE_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "bridge/hub/channel_description.h"

namespace kchan::source {

// Reads and writes the disks of the module's BLOCK channels. Each call opens
// the node anew, so that it holds nothing that the module would wait for, and
// past the page cache, which does not see what the module writes.
//
// The node is believed only if it is the disk that the kernel shows under the
// channel's name, of the channel's size: a container's /dev may hold anything.
//
// Errors: as hub::KernelDoor says; NOT_FOUND: there is no such node here.
//
// Thread safety: any thread; may block.
class ModuleBlocks {
 public:
  // `sysfs_path` is where sysfs is.
  explicit ModuleBlocks(std::string sysfs_path = "/sys") : sysfs_path_(std::move(sysfs_path)) {}

  // Offsets and lengths are whole blocks inside the region.
  absl::Status Read(const hub::ChannelDescription& channel, uint64_t offset,
                    std::span<std::byte> to) const;
  absl::Status Write(const hub::ChannelDescription& channel, uint64_t offset,
                     std::span<const std::byte> from) const;
  // Everything that was written before it is in the region when it returns.
  absl::Status Flush(const hub::ChannelDescription& channel) const;

 private:
  const std::string sysfs_path_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_MODULE_BLOCKS_H_
