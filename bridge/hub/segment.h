// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_SEGMENT_H_
#define KCHAN_BRIDGE_HUB_SEGMENT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "bridge/hub/filter_matches.h"
#include "bridge/hub/memory_use.h"

namespace kchan::hub {

// One block of a log: encoded elements of kchan.v1.Batch (records and losses),
// back to back, all of one epoch and schema.
//
// Thread safety: one writer appends behind what readers see; which bytes are
// published is the log's business, under its mutex.
//
// Lifetime: shared by its log and by every slice given out. Its bytes never
// move or change once published.
class Segment {
 public:
  // `capacity` was reserved of `use`: it counts in its `held`.
  Segment(size_t capacity, uint64_t epoch, uint64_t schema_id, uint64_t first_sequence,
          std::shared_ptr<MemoryUse> use, MemoryUse::Count held = &MemoryUse::log_bytes);
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  uint64_t epoch() const { return epoch_; }
  uint64_t schema_id() const { return schema_id_; }
  // The first number that it covers.
  uint64_t first_sequence() const { return first_sequence_; }
  size_t capacity() const { return capacity_; }
  const std::byte* bytes() const { return bytes_.get(); }
  std::byte* bytes() { return bytes_.get(); }

  // What filters let pass of it.
  SegmentMatches& matches() const { return matches_; }

  // Called once, by its log, when it drops a segment that readers still hold:
  // from then on its bytes count as pinned until the last slice goes.
  void MarkEvicted();
  bool evicted() const { return evicted_.load(std::memory_order_relaxed); }

 private:
  const size_t capacity_;
  const uint64_t epoch_;
  const uint64_t schema_id_;
  const uint64_t first_sequence_;
  std::unique_ptr<std::byte[]> bytes_;
  const std::shared_ptr<MemoryUse> use_;
  const MemoryUse::Count held_;
  std::atomic<bool> evicted_{false};
  mutable SegmentMatches matches_;
};

// A run of whole elements in a segment, or a copy of some; keeps either alive.
struct SegmentSlice {
  std::shared_ptr<const Segment> segment = nullptr;   // null: a copy
  std::shared_ptr<const std::byte[]> copy = nullptr;  // null: no copy
  std::span<const std::byte> bytes = {};
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_SEGMENT_H_
