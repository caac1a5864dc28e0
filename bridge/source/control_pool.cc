// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/control_pool.h"

#include <utility>

namespace kchan::source {

void ControlPool::SetFamily(uint16_t family, uint64_t features) {
  const std::lock_guard lock(mutex_);
  family_ = family;
  features_ = features;
  ++version_;
  idle_.clear();
}

void ControlPool::ClearFamily(absl::Status reason) {
  const std::lock_guard lock(mutex_);
  family_.reset();
  features_ = 0;
  reason_ = std::move(reason);
  ++version_;
  idle_.clear();
}

uint64_t ControlPool::features() const {
  const std::lock_guard lock(mutex_);
  return features_;
}

hub::KernelAnswer ControlPool::Run(absl::FunctionRef<hub::KernelAnswer(KernelControl&)> command) {
  absl::StatusOr<Taken> taken = Take();
  if (!taken.ok()) return {.status = taken.status(), .kernel_errno = 0};
  hub::KernelAnswer answer = command(*taken->control);
  Give(*std::move(taken));
  return answer;
}

absl::StatusOr<ControlPool::Taken> ControlPool::Take() {
  Taken taken;
  uint16_t family = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!family_) return reason_;
    family = *family_;
    taken.version = version_;
    if (!idle_.empty()) {
      taken.control = std::move(idle_.back());
      idle_.pop_back();
      return taken;
    }
  }
  auto control = KernelControl::Open(family);
  if (!control.ok()) return control.status();
  taken.control = *std::move(control);
  return taken;
}

void ControlPool::Give(Taken taken) {
  const std::lock_guard lock(mutex_);
  if (taken.version != version_ || !taken.control->healthy() || idle_.size() >= kMaxIdle) return;
  idle_.push_back(std::move(taken.control));
}

}  // namespace kchan::source
