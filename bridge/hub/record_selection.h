// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_RECORD_SELECTION_H_
#define KCHAN_BRIDGE_HUB_RECORD_SELECTION_H_

#include <cstdint>
#include <memory>

#include "bridge/hub/filter.h"
#include "bridge/hub/record_form.h"

namespace kchan::hub {

// Which of a channel's records a subscription takes. What it does not take is
// withheld and counted; losses always pass. Times are of CLOCK_BOOTTIME.
struct RecordSelection {
  uint64_t since_ns = 0;                 // older ones are filtered
  std::shared_ptr<const Filter> filter;  // null: none
  uint32_t sample_every = 1;             // takes the numbers that are multiples of it
  RecordForm* form = nullptr;            // of what it takes; null: as it is

  bool takes_all() const { return filter == nullptr && takes_all_that_match(); }
  bool takes_all_that_match() const { return since_ns == 0 && sample_every == 1; }
};

// How many records a subscription may be given now, of those that it takes.
struct RecordQuota {
  uint64_t records = UINT64_MAX;  // a batch ends behind the last one
  uint64_t rate = UINT64_MAX;     // those beyond it are lost to the rate limit

  bool is_unbounded() const { return records == UINT64_MAX && rate == UINT64_MAX; }
};

// How much a batch may hold.
struct BatchBounds {
  size_t max_bytes = 0;  // of its slices, about: one element always may be
  RecordQuota quota = {};
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_RECORD_SELECTION_H_
