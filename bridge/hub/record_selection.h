// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_RECORD_SELECTION_H_
#define KCHAN_BRIDGE_HUB_RECORD_SELECTION_H_

#include <cstdint>
#include <span>

#include "bridge/hub/element.h"
#include "bridge/hub/log.h"

namespace kchan::hub {

// Which of a channel's records a subscription takes. What it does not take is
// withheld and counted. Times are of CLOCK_BOOTTIME.
struct RecordSelection {
  uint64_t since_ns = 0;           // older ones are filtered
  uint64_t until_ns = UINT64_MAX;  // the first younger one ends the channel
  uint32_t sample_every = 1;       // takes the multiples of it

  bool takes_all() const { return since_ns == 0 && until_ns == UINT64_MAX && sample_every == 1; }
};

// How many records the subscription may be given now.
struct RecordQuota {
  uint64_t records = UINT64_MAX;  // behind the last one the subscription ends
  uint64_t rate = UINT64_MAX;     // those beyond it are lost to the rate limit
};

// Builds one batch of the runs of records that pass. Nothing is encoded again:
// a run is a slice of its segment.
//
// The one place where a batch's records are chosen; Judge() is where one more
// reason to withhold a record belongs.
//
// Thread safety: none.
//
// Lifetime: `batch` outlives it.
class RunSelector {
 public:
  // Goes on with `batch`, which may be empty.
  RunSelector(const RecordSelection& selection, const RecordQuota& quota, LogBatch& batch)
      : selection_(selection), quota_(quota), batch_(batch) {}

  // Adds what `found` has up to the number `through`; it continues the batch,
  // or begins it. False: the channel, or the subscription, ends behind what the
  // batch now holds.
  bool Add(const LogBatch& found, uint64_t through = UINT64_MAX);

  // How many records were added.
  uint64_t records() const { return records_; }

 private:
  enum class Verdict : uint8_t { kGive, kFiltered, kSampled, kLimited, kEnd };

  void Begin(const LogBatch& found);
  bool AddElements(const SegmentSlice& slice, uint64_t through);
  Verdict Judge(const Element& record) const;
  void Give(const SegmentSlice& slice, std::span<const std::byte> element);
  void Lose();

  const RecordSelection selection_;
  const RecordQuota quota_;
  LogBatch& batch_;
  uint64_t sequence_ = 0;  // of the next element
  uint64_t records_ = 0;
};

// The number of the first element in `batch`'s slices, if it has any.
uint64_t FirstElement(const LogBatch& batch);

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_RECORD_SELECTION_H_
