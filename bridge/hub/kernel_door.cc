// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/kernel_door.h"

namespace kchan::hub {
namespace {

absl::Status NoWay(const char* what) { return absl::UnimplementedError(what); }

}  // namespace

absl::StatusOr<ValueSnapshot> KernelDoor::ReadValues(const std::string& /*channel*/) {
  return NoWay("no values behind this door");
}

absl::StatusOr<ValueChanged> KernelDoor::ChangeValue(const std::string& /*channel*/,
                                                     const ValueChange& /*change*/) {
  return NoWay("no values behind this door");
}

absl::Status KernelDoor::ReadBlocks(const std::string& /*channel*/, uint64_t /*offset*/,
                                    std::span<std::byte> /*to*/) {
  return NoWay("no blocks behind this door");
}

absl::Status KernelDoor::WriteBlocks(const std::string& /*channel*/, uint64_t /*offset*/,
                                     std::span<const std::byte> /*from*/) {
  return NoWay("no blocks behind this door");
}

absl::Status KernelDoor::FlushBlocks(const std::string& /*channel*/) {
  return NoWay("no blocks behind this door");
}

}  // namespace kchan::hub
