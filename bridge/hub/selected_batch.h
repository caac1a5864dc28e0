// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_SELECTED_BATCH_H_
#define KCHAN_BRIDGE_HUB_SELECTED_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bridge/hub/filter_matches.h"
#include "bridge/hub/log_batch.h"
#include "bridge/hub/log_position.h"
#include "bridge/hub/record_selection.h"

namespace kchan::hub {

// Puts together a batch of what a selection takes, and counts what it does not.
// Long stretches stay where they are, as slices of their segments; short ones,
// of which a selection leaves many, are copied side by side, since a slice costs
// more than a few records. Copies are bounded for each batch, so they are no
// history that a slow reader keeps. What is given in another form is a copy.
//
// A record passes since, filter, sampling, rate limit, in this order, which the
// protocol promises.
//
// Thread safety: none.
//
// Copyable while it gives nothing: then it is numbers only.
class SelectedBatch {
 public:
  // Whether it has numbers, or a loss of unknown count.
  bool has_begun() const { return has_begun_; }
  // Whether it holds more than what a selection withheld, or a rate limit lost.
  bool gives_something() const { return !batch_.slices.empty() || batch_.loss; }
  // No more fits, or may be taken.
  bool is_full() const { return is_full_; }
  // How many records it holds, if the selection or the quota had to look at them.
  uint64_t records() const { return records_; }

  // Begins with what comes in front of the first element: `found` is what
  // Log::ReadSegment() returned, `front` the place of its slice.
  void Begin(const LogBatch& found, const LogPosition& front);
  // Whether `found` is of the same numbering and schema, with nothing between.
  bool Continues(const LogBatch& found) const;

  // Takes of `segment` what `matches`, the filter's, has between `position` and
  // `end`. Advances `position` behind it: to where one of the two ends, or, if
  // the batch is full then, not so far.
  void Take(const RecordSelection& selection, const BatchBounds& bounds,
            const std::shared_ptr<const Segment>& segment, const MatchList& matches,
            const LogPosition& end, LogPosition& position);

  // What was put together, which ends at `position`.
  LogBatch Finish(const LogPosition& position);

 private:
  enum class Verdict : uint8_t { kGive, kFiltered, kSampled, kLimited };
  // Consecutive elements of one verdict.
  struct Stretch {
    Verdict verdict = Verdict::kGive;
    size_t bytes = 0;
    uint64_t numbers = 0;
    uint64_t records = 0;
  };

  void TakeRun(const RecordSelection& selection, const BatchBounds& bounds,
               const std::shared_ptr<const Segment>& segment, std::span<const std::byte> run,
               LogPosition& position);
  Stretch Judge(const RecordSelection& selection, const RecordQuota& quota,
                std::span<const std::byte> bytes, uint64_t sequence) const;
  void Give(RecordForm* form, const std::shared_ptr<const Segment>& segment,
            std::span<const std::byte> bytes, size_t max_bytes, Stretch& stretch);
  void Limit(uint64_t after, Stretch& stretch);
  size_t Add(const std::shared_ptr<const Segment>& segment, std::span<const std::byte> bytes,
             size_t max_bytes);
  size_t AddInForm(RecordForm& form, std::span<const std::byte> bytes, size_t max_bytes);
  void AddLimited();
  size_t CopyRoom() const;
  std::byte* Room(size_t bytes);

  LogBatch batch_;
  bool has_begun_ = false;
  bool is_full_ = false;
  uint64_t records_ = 0;
  std::vector<Loss> limited_;  // behind the last slice: not encoded yet
  std::shared_ptr<std::byte[]> copies_;
  size_t copied_bytes_ = 0;
  size_t copies_bytes_ = 0;  // that copies_ has
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_SELECTED_BATCH_H_
