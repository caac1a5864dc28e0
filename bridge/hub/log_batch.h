// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_LOG_BATCH_H_
#define KCHAN_BRIDGE_HUB_LOG_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "bridge/hub/record.h"
#include "bridge/hub/segment.h"

namespace kchan::hub {

// Consecutive elements of one epoch and schema: what Log::Read() found, or what
// a subscription has selected of that.
//
//   last_sequence - first_sequence + 1
//     == records in `slices` + losses in `slices` + loss.count + filtered
struct LogBatch {
  uint64_t epoch = 0;
  uint64_t schema_id = 0;
  uint64_t first_sequence = 0;  // 0 if it covers none: only an unknown loss
  uint64_t last_sequence = 0;
  // What this reader lost before the first element, for reasons of its own:
  // eviction, a daemon restart, an epoch that ended out of sight.
  std::optional<Loss> loss;
  // UTC minus boottime, if they are not of this boot.
  std::optional<int64_t> clock_offset_ns;
  std::vector<SegmentSlice> slices;
  size_t body_bytes = 0;  // sum of the slices

  // Numbers that the reader's selection withheld, and how many of these its
  // sampling did; the others its time or its filter.
  uint64_t filtered = 0;
  uint64_t sampled = 0;
  // Of the numbers in the slices, those that a rate limit lost.
  uint64_t limited = 0;

  bool empty() const { return slices.empty() && !loss && filtered == 0; }
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_LOG_BATCH_H_
