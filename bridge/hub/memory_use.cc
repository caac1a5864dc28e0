// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/memory_use.h"

#include <algorithm>
#include <memory>

#include "bridge/hub/log.h"

namespace kchan::hub {

void MemoryUse::Join(Log* log) {
  const std::lock_guard lock(logs_mutex_);
  logs_.push_back(log);
}

void MemoryUse::Leave(Log* log) {
  const std::lock_guard lock(logs_mutex_);
  std::erase(logs_, log);
}

bool MemoryUse::Reserve(size_t bytes) {
  while (!TryReserve(bytes)) {
    if (!EvictOne()) return false;
  }
  return true;
}

// Relaxed: a number only; who frees memory counts it as free afterwards.
bool MemoryUse::TryReserve(size_t bytes) {
  uint64_t held = log_bytes.load(std::memory_order_relaxed);
  do {
    if (bytes > max_log_bytes_ - std::min(max_log_bytes_, held)) return false;
  } while (!log_bytes.compare_exchange_weak(held, held + bytes, std::memory_order_relaxed));
  return true;
}

bool MemoryUse::EvictOne() {
  std::shared_ptr<const Segment> evicted;  // freed without the lock
  const std::lock_guard lock(logs_mutex_);
  const auto longest =
      std::max_element(logs_.begin(), logs_.end(), [](const Log* one, const Log* other) {
        return one->evictable_bytes() < other->evictable_bytes();
      });
  if (longest == logs_.end() || (*longest)->evictable_bytes() == 0) return false;
  evicted = (*longest)->GiveUpOldest();
  std::rotate(longest, longest + 1, logs_.end());  // among equals they take turns
  return true;
}

}  // namespace kchan::hub
