// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_FILTERED_BATCH_H_
#define KCHAN_BRIDGE_HUB_FILTERED_BATCH_H_

#include <cstddef>
#include <memory>
#include <span>

#include "bridge/hub/filter_matches.h"
#include "bridge/hub/log.h"

namespace kchan::hub {

// Puts together a batch of what a filter lets pass. Long runs stay where they
// are, as slices of their segments; short ones, of which a filter leaves many,
// are copied side by side, since a slice costs more than a few records. Copies
// are bounded for each batch, so they are no history that a slow reader keeps.
//
// Thread safety: none.
class FilteredBatch {
 public:
  // At most about max_bytes, but one element always.
  explicit FilteredBatch(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Begins with what comes in front of the first element: `found` is what
  // Log::ReadSegment() returned, `front` the place of its slice.
  void Begin(const LogBatch& found, const LogPosition& front);

  // Takes the runs of `list` from `position` on, a place in `segment`, and
  // counts what lies between them. Advances `position` behind it: to the end of
  // what the list looked at, or, if the batch is full then, not so far.
  void Take(const std::shared_ptr<const Segment>& segment, const MatchList& list,
            LogPosition& position);

  bool is_full() const { return is_full_; }
  bool has_begun() const { return has_begun_; }
  const LogBatch& batch() const { return batch_; }

  // What was put together, which ends at `position`.
  LogBatch Finish(const LogPosition& position);

 private:
  size_t Add(const std::shared_ptr<const Segment>& segment, std::span<const std::byte> bytes);
  void Copy(std::span<const std::byte> bytes);

  const size_t max_bytes_;
  LogBatch batch_;
  bool has_begun_ = false;
  bool is_full_ = false;
  std::shared_ptr<std::byte[]> copies_;
  size_t copied_bytes_ = 0;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_FILTERED_BATCH_H_
