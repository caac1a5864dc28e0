// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_SELECTED_READER_H_
#define KCHAN_BRIDGE_HUB_SELECTED_READER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "bridge/hub/channel.h"
#include "bridge/hub/field_mask.h"
#include "bridge/hub/field_masks.h"
#include "bridge/hub/filter.h"
#include "bridge/hub/given_form.h"
#include "bridge/hub/log.h"
#include "bridge/hub/log_hold.h"
#include "bridge/hub/record_selection.h"
#include "bridge/hub/selected_batch.h"

namespace kchan::hub {

// What a subscription asks of each of its channels; see SubscriptionOptions.
struct ReaderOptions {
  std::shared_ptr<const Filter> filter;   // null: none
  std::shared_ptr<const FieldMask> mask;  // null: none
  FieldMasks* masks = nullptr;            // that it is one of
  RecordFormMaker form = {};              // empty: payloads as they are
  std::optional<int64_t> since_utc_ns;
  std::optional<int64_t> until_utc_ns;
  uint32_t sample_every = 1;
  std::chrono::nanoseconds source_delay{0};
  bool ends_with_history = false;
  bool skips_to_newest = false;
  bool blocks = false;
};

// When numbers that are withheld are given alone.
enum class Tell : uint8_t { kWithTheNext, kAtHistoryEnd, kAtOnce };

// Reads of a channel's log what a selection takes.
//
// Numbers that are withheld, and losses of the rate limit, are not told at once,
// or a selection that takes nothing would make as many messages as one that takes
// all: they wait for the next batch, which then begins with them, and are given
// alone only where nothing can be joined with them or somebody asks.
//
// Each call looks at a bounded stretch, so that a selection that takes nothing
// keeps nobody else waiting.
//
// Thread safety: none; a part of its ChannelReader. What a filter has looked at
// is shared with other readers by the segments.
//
// Lifetime: the channel outlives it.
class SelectedReader {
 public:
  // `history_end`: the log's end when this was opened.
  SelectedReader(Channel& channel, const LogPosition& start, const LogPosition& history_end,
                 const ReaderOptions& options, int64_t clock_offset_ns);

  // What comes next behind what was given out. Sets `position`, which is what was
  // given out last, to where it ends; leaves it if there is nothing to give, but
  // for a new epoch that has nothing yet. The batch counts as given out when
  // Accept() is called.
  LogBatch Peek(const BatchBounds& bounds, Tell tell, LogPosition& position);
  void Accept(const LogPosition& given);

  // Whether the last Peek() stopped because it had looked at enough: there may
  // be more.
  bool is_unfinished() const { return is_unfinished_; }
  // How many records it returned, if they had to be looked at.
  uint64_t peeked_records() const { return peeked_records_; }
  bool has_withheld() const { return withheld_.has_begun(); }
  // Nothing more will be given: the stop condition has come true here.
  bool is_done() const { return is_done_; }

  // Batches are of the schema that this gives for the log's.
  uint64_t GivenSchemaId(uint64_t schema_id) { return form_.SchemaIdUnder(schema_id); }
  // See GivenForm.
  const std::vector<std::string>& missing_fields() const { return form_.missing_fields(); }

  // What follows was not looked at.
  const LogPosition& reached() const { return reached_; }

  // The node's UTC is now `offset_ns` ahead of its boottime.
  void SetClockOffset(int64_t offset_ns);

 private:
  bool Scan(const BatchBounds& bounds, LogPosition& position, SelectedBatch& batch);
  LogBatch Read(LogPosition& position, LogPosition& front);
  bool CutAtEnd(const SegmentSlice& slice, const LogPosition& front, LogPosition& end) const;
  size_t TakeSegment(const BatchBounds& bounds, const std::shared_ptr<const Segment>& segment,
                     const LogPosition& end, size_t max_bytes, LogPosition& position,
                     SelectedBatch& batch);
  // That of the records that are looked at.
  void UseClock(int64_t offset_ns);
  const FilterProgram& ProgramFor(uint64_t schema_id);
  void MoveTo(const LogPosition& position);

  Channel& channel_;
  const ReaderOptions options_;
  const LogPosition history_end_;
  const bool takes_all_;  // and for ever
  RecordSelection selection_;
  GivenForm form_;
  uint64_t until_ns_ = UINT64_MAX;
  int64_t clock_offset_ns_ = 0;  // of this boot

  LogPosition reached_;                 // behind what was given out and what is withheld
  SelectedBatch withheld_;              // between the two
  std::optional<LogHold> hold_;         // at reached_, if it blocks
  std::optional<LogPosition> skip_to_;  // all before is to be skipped
  bool was_in_log_;                     // it has come to what is not only in a history
  uint64_t peeked_records_ = 0;
  bool is_unfinished_ = false;
  bool ends_ = false;  // behind what Peek() returned
  bool is_done_ = false;

  std::shared_ptr<const CompiledFilter> compiled_;
  uint64_t compiled_schema_id_ = 0;  // 0: not compiled yet
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_SELECTED_READER_H_
