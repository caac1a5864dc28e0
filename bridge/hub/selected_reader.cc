// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/selected_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "bridge/hub/boottime.h"
#include "bridge/hub/element.h"

namespace kchan::hub {
namespace {

// What one Peek() may look at: about a millisecond's work, whatever the filter.
constexpr size_t kScanBytes = 1 << 20;      // times comparisons
constexpr size_t kMinScanBytes = 64 << 10;  // but at least this
constexpr size_t kSegmentCostBytes = 4096;  // a segment that others looked at

size_t ScanBytes(const RecordSelection& selection) {
  if (!selection.filter) return kScanBytes;
  return std::max(kMinScanBytes, kScanBytes / selection.filter->terms());
}

}  // namespace

SelectedReader::SelectedReader(Channel& channel, const LogPosition& start,
                               const LogPosition& history_end, const ReaderOptions& options,
                               int64_t clock_offset_ns)
    : channel_(channel),
      options_(options),
      history_end_(history_end),
      takes_all_(!options.filter && !options.mask && !options.form && !options.since_utc_ns &&
                 !options.until_utc_ns && options.sample_every <= 1 && !options.ends_with_history &&
                 !options.skips_to_newest),
      form_(channel, options.mask, options.masks, options.form),
      reached_(start),
      was_in_log_(start.segment_id != LogPosition::kInHistory && !start.lookup) {
  selection_.filter = options.filter;
  selection_.sample_every = std::max<uint32_t>(options.sample_every, 1);
  SetClockOffset(clock_offset_ns);
  if (options.blocks) hold_.emplace(channel_.log(), start);
}

void SelectedReader::SetClockOffset(int64_t offset_ns) {
  clock_offset_ns_ = offset_ns;
  UseClock(offset_ns);
}

void SelectedReader::UseClock(int64_t offset_ns) {
  if (options_.since_utc_ns) selection_.since_ns = BoottimeOf(*options_.since_utc_ns, offset_ns);
  if (options_.until_utc_ns) until_ns_ = BoottimeOf(*options_.until_utc_ns, offset_ns);
}

void SelectedReader::MoveTo(const LogPosition& position) {
  reached_ = position;
  is_done_ = ends_;
  if (is_done_) hold_.reset();
  if (hold_) hold_->MoveTo(position);
}

LogBatch SelectedReader::Peek(const BatchBounds& bounds, Tell tell, LogPosition& position) {
  if (takes_all_ && bounds.quota.is_unbounded()) {
    LogBatch batch = channel_.log().Read(position, bounds.max_bytes);
    if (batch.empty()) MoveTo(position);
    return batch;
  }
  LogPosition ahead = reached_;
  SelectedBatch batch = withheld_;
  const bool is_complete = Scan(bounds, ahead, batch);
  const bool is_due = is_complete || tell == Tell::kAtOnce ||
                      (tell == Tell::kAtHistoryEnd && ahead.HasReached(history_end_));
  if (batch.gives_something() || (batch.has_begun() && is_due)) {
    peeked_records_ = batch.records();
    position = ahead;
    LogBatch given = batch.Finish(ahead);
    given.schema_id = GivenSchemaId(given.schema_id);
    return given;
  }
  if (!batch.has_begun()) position = ahead;
  withheld_ = std::move(batch);
  MoveTo(ahead);
  return {};
}

void SelectedReader::Accept(const LogPosition& given) {
  withheld_ = {};
  MoveTo(given);
  if (skip_to_ && given.HasReached(*skip_to_)) skip_to_.reset();
}

// Adds to `batch` what comes behind `position`. Returns whether it cannot go on.
bool SelectedReader::Scan(const BatchBounds& bounds, LogPosition& position, SelectedBatch& batch) {
  size_t left = ScanBytes(selection_);
  is_unfinished_ = false;
  ends_ = is_done_;
  while (!ends_ && !batch.is_full()) {
    if (left == 0) {
      is_unfinished_ = true;
      return false;
    }
    ends_ = options_.ends_with_history && position.HasReached(history_end_);
    if (ends_) break;
    LogPosition front;
    LogPosition end = position;
    const LogBatch found = Read(end, front);
    UseClock(found.clock_offset_ns.value_or(clock_offset_ns_));
    if (batch.has_begun()) {
      if (end.run != position.run) return true;
      if (found.empty()) return false;
      if (!batch.Continues(found)) return true;
    }
    position = front;
    if (found.empty()) return false;
    const SegmentSlice* slice = found.slices.empty() ? nullptr : &found.slices.front();
    const bool is_cut = slice != nullptr && CutAtEnd(*slice, front, end);
    if (!batch.has_begun() && (found.loss || end.offset > front.offset)) batch.Begin(found, front);
    if (slice == nullptr) continue;
    // A place in the history is a number, which a filter may not have come to
    // where it stops: so a piece of it is looked at as a whole.
    const bool is_piece = end.segment_id == LogPosition::kInHistory;
    const size_t max_bytes = is_piece ? std::numeric_limits<size_t>::max() : left;
    const size_t looked_at = TakeSegment(bounds, slice->segment, end, max_bytes, position, batch);
    left -= std::min(left, std::max(looked_at, kSegmentCostBytes));
    ends_ = is_cut && position.offset == end.offset;
  }
  return true;
}

// As Log::ReadSegment(), but for who wants to skip to the newest.
LogBatch SelectedReader::Read(LogPosition& position, LogPosition& front) {
  const Log& log = channel_.log();
  // Who wants the newest does not go back to what the log has dropped.
  position.log_only = options_.skips_to_newest && was_in_log_;
  LogBatch found = log.ReadSegment(position, front);
  was_in_log_ |= !found.slices.empty() && position.segment_id != LogPosition::kInHistory;
  if (!options_.skips_to_newest || found.empty()) return found;
  if (found.loss && found.loss->stage == LossStage::kLogEviction) skip_to_ = log.End();
  if (!skip_to_ || front.HasReached(*skip_to_)) return found;

  // What is skipped is a loss of its own, in place of what was found.
  std::optional<Loss> loss = found.loss;
  if (!loss) loss = log.SkipTo(*skip_to_, LossStage::kSubscriberPolicy, front);
  if (!loss) return found;
  position = front;
  LogBatch skipped;
  skipped.epoch = found.epoch;
  skipped.schema_id = found.schema_id;
  skipped.loss = loss;
  return skipped;
}

// Moves `end` back to where the channel ends for this reader, if that is in the
// slice between the two.
bool SelectedReader::CutAtEnd(const SegmentSlice& slice, const LogPosition& front,
                              LogPosition& end) const {
  const bool is_last_epoch = options_.ends_with_history && end.run == history_end_.run;
  const uint64_t through = is_last_epoch ? history_end_.cursor.sequence : UINT64_MAX;
  if (until_ns_ == UINT64_MAX && end.cursor.sequence <= through) return false;
  LogPosition place = front;
  std::span<const std::byte> rest = slice.bytes;
  while (const std::optional<Element> element = ParseElement(rest)) {
    const bool is_younger = element->is_record && RecordBoottime(*element) > until_ns_;
    if (is_younger || place.cursor.sequence >= through) {
      end = place;
      return true;
    }
    rest = rest.subspan(element->bytes);
    place.offset += element->bytes;
    place.cursor.sequence += element->numbers;
  }
  return false;
}

// Returns how many bytes were looked at.
size_t SelectedReader::TakeSegment(const BatchBounds& bounds,
                                   const std::shared_ptr<const Segment>& segment,
                                   const LogPosition& end, size_t max_bytes, LogPosition& position,
                                   SelectedBatch& batch) {
  const size_t from = position.offset;
  selection_.form = form_.Under(segment->schema_id());
  const auto take = [&](const MatchList& matches) {
    batch.Take(selection_, bounds, segment, matches, end, position);
  };
  const auto taken = [&] { return position.offset - from; };
  if (!selection_.filter) {
    MatchList all(position.offset, position.cursor.sequence);
    all.Pass(end.offset, end.cursor.sequence - position.cursor.sequence);
    take(all);
    return taken();
  }
  const FilterProgram& program = ProgramFor(segment->schema_id());
  const std::span<const std::byte> bytes(segment->bytes(), end.offset);
  const auto shared = segment->matches().Share(selection_.filter, program, bytes,
                                               segment->first_sequence() - 1, max_bytes, take);
  size_t looked_at = shared.value_or(0);
  if (!shared) {
    MatchList own(position.offset, position.cursor.sequence);
    looked_at = own.Extend(program, bytes, max_bytes);
    take(own);
  }
  return selection_.takes_all_that_match() ? looked_at : std::max(looked_at, taken());
}

const FilterProgram& SelectedReader::ProgramFor(uint64_t schema_id) {
  if (!compiled_ || compiled_schema_id_ != schema_id) {
    compiled_ = selection_.filter->CompiledFor(channel_.FindSchema(schema_id).get());
    compiled_schema_id_ = schema_id;
  }
  return compiled_->program;
}

}  // namespace kchan::hub
