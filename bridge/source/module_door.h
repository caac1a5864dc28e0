// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_MODULE_DOOR_H_
#define KCHAN_BRIDGE_SOURCE_MODULE_DOOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/source/control_pool.h"
#include "bridge/source/module_blocks.h"
#include "bridge/source/module_values.h"
#include "bridge/source/submitters.h"

namespace kchan::source {

// The ways down to the module's channels. A record goes by its channel's own
// transport, where that has a way down and the module speaks it; else by
// netlink. All methods are hub::KernelDoor's.
//
// Thread safety: any thread.
//
// Lifetime: hub and pool outlive it.
class ModuleDoor {
 public:
  ModuleDoor(hub::Hub& hub, ControlPool& pool, const std::string& device_path);

  hub::KernelAnswer Publish(const std::string& channel, uint32_t type,
                            std::span<const std::byte> payload);
  hub::KernelAnswer Update(const std::string& channel, const hub::ChannelSettings& settings);
  absl::StatusOr<hub::ValueSnapshot> ReadValues(const std::string& channel);
  absl::StatusOr<hub::ValueChanged> ChangeValue(const std::string& channel,
                                                const hub::ValueChange& change);
  absl::Status ReadBlocks(const std::string& channel, uint64_t offset, std::span<std::byte> to);
  absl::Status WriteBlocks(const std::string& channel, uint64_t offset,
                           std::span<const std::byte> from);
  absl::Status FlushBlocks(const std::string& channel);

  // Holds nothing of the module when it returns, but what is in use.
  void LetGo();

 private:
  absl::StatusOr<std::shared_ptr<const hub::ChannelDescription>> Describe(
      const std::string& channel) const;

  hub::Hub& hub_;
  ControlPool& pool_;
  Submitters rings_;
  Submitters chardevs_;
  Submitters files_;
  ModuleValues values_;
  ModuleBlocks blocks_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_MODULE_DOOR_H_
