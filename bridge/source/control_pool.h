// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_CONTROL_POOL_H_
#define KCHAN_BRIDGE_SOURCE_CONTROL_POOL_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/source/kernel_control.h"

namespace kchan::source {

// Sockets for commands, which block: each caller has one to itself, so that a
// slow provider holds up nobody else. As many as there are callers at a time;
// kMaxIdle of them are kept.
//
// Thread safety: any thread.
class ControlPool {
 public:
  // Where the family is now; nothing, with what to say about it, if it cannot
  // be used.
  void SetFamily(uint16_t family, uint64_t features);
  void ClearFamily(absl::Status reason);

  // KCHAN_FEATURE_* of the module; 0 if it cannot be used.
  uint64_t features() const;

  // Calls `command` with a control; or answers why there is none.
  hub::KernelAnswer Run(absl::FunctionRef<hub::KernelAnswer(KernelControl&)> command);

 private:
  static constexpr size_t kMaxIdle = 8;

  struct Taken {
    std::unique_ptr<KernelControl> control;
    uint64_t version = 0;
  };
  absl::StatusOr<Taken> Take();
  void Give(Taken taken);

  mutable std::mutex mutex_;
  std::optional<uint16_t> family_;  // under mutex_, as all below
  uint64_t features_ = 0;
  absl::Status reason_;                               // why there is no family_
  uint64_t version_ = 0;                              // of family_
  std::vector<std::unique_ptr<KernelControl>> idle_;  // of family_
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_CONTROL_POOL_H_
