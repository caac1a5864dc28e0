// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_MODULE_VALUES_H_
#define KCHAN_BRIDGE_SOURCE_MODULE_VALUES_H_

#include <string>

#include "absl/status/statusor.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/source/control_pool.h"

namespace kchan::source {

// Reads and changes the words of the module's VALUE channels, each time by a
// file of its own, so that it holds nothing that the module would wait for.
//
// Errors: as hub::KernelDoor says.
//
// Thread safety: any thread; may block.
//
// Lifetime: the pool outlives it.
class ModuleValues {
 public:
  ModuleValues(std::string device_path, ControlPool& pool)
      : device_path_(std::move(device_path)), pool_(pool) {}

  absl::StatusOr<hub::ValueSnapshot> Read(const std::string& channel);
  absl::StatusOr<hub::ValueChanged> Change(const std::string& channel,
                                           const hub::ValueChange& change);

 private:
  class File;
  absl::StatusOr<File> Open(const std::string& channel);

  const std::string device_path_;
  ControlPool& pool_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_MODULE_VALUES_H_
