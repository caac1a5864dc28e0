// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/segment.h"

#include <utility>

namespace kchan::hub {

// The bytes stay uninitialised: a page that no record has reached costs no
// memory.
Segment::Segment(size_t capacity, uint64_t epoch, uint64_t schema_id, uint64_t first_sequence,
                 std::shared_ptr<MemoryUse> use, MemoryUse::Count held)
    : capacity_(capacity),
      epoch_(epoch),
      schema_id_(schema_id),
      first_sequence_(first_sequence),
      bytes_(std::make_unique_for_overwrite<std::byte[]>(capacity)),
      use_(std::move(use)),
      held_(held),
      matches_(use_->match_bytes) {}

Segment::~Segment() {
  bytes_.reset();  // what counts as free is free
  // Relaxed: the last owner synchronised with the log through the reference
  // count.
  const bool is_pinned = evicted_.load(std::memory_order_relaxed);
  const MemoryUse::Count counted = is_pinned ? &MemoryUse::pinned_bytes : held_;
  (*use_.*counted).fetch_sub(capacity_, std::memory_order_relaxed);
}

void Segment::MarkEvicted() {
  evicted_.store(true, std::memory_order_relaxed);
  use_->pinned_bytes.fetch_add(capacity_, std::memory_order_relaxed);
  (*use_.*held_).fetch_sub(capacity_, std::memory_order_relaxed);
  const std::lock_guard lock(use_->mutex);
  if (use_->over_pinned == nullptr) return;
  if (use_->pinned_bytes.load(std::memory_order_relaxed) > use_->max_pinned_bytes) {
    use_->over_pinned->Notify();
  }
}

}  // namespace kchan::hub
