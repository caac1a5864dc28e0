// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/filtered_reader.h"

#include <algorithm>
#include <utility>

namespace kchan::hub {
namespace {

// What one Peek() may look at: about a millisecond's work, whatever the filter.
constexpr size_t kScanBytes = 1 << 20;      // times comparisons
constexpr size_t kMinScanBytes = 64 << 10;  // but at least this
constexpr size_t kSegmentCostBytes = 4096;  // a segment that others looked at

bool IsBehind(const LogPosition& position, const LogPosition& place) {
  if (position.run != place.run) return position.run > place.run;
  return position.cursor.sequence >= place.cursor.sequence;
}

}  // namespace

LogBatch FilteredReader::Peek(LogPosition& position, size_t max_bytes,
                              const LogPosition* report_at) {
  LogPosition ahead = reached_;
  LogBatch next = Scan(ahead, max_bytes);
  const bool is_nothing_new = next.empty();
  if (withheld_.empty()) {
    if (is_nothing_new) {
      position = reached_ = ahead;
      return next;
    }
  } else if (is_nothing_new ? ahead.run != reached_.run : !Joins(next, ahead)) {
    position = reached_;
    return withheld_;
  } else if (!is_nothing_new) {
    next.first_sequence = withheld_.first_sequence;
    next.filtered += withheld_.filtered;
  }
  if (!is_nothing_new) {
    if (!next.slices.empty() || next.loss) {
      position = ahead;
      return next;
    }
    withheld_ = std::move(next);
    reached_ = ahead;
  }
  if (!report_ && (report_at == nullptr || !IsBehind(reached_, *report_at))) return {};
  position = reached_;
  return withheld_;
}

void FilteredReader::Accept(const LogPosition& given) {
  reached_ = given;
  withheld_ = {};
  report_ = false;
}

bool FilteredReader::Report() {
  report_ = !withheld_.empty();
  return report_;
}

// The rest of a loss takes numbers too, and so does one of unknown count not:
// whatever is of the same numbering and schema continues the withheld numbers.
bool FilteredReader::Joins(const LogBatch& next, const LogPosition& position) const {
  return position.run == reached_.run && next.schema_id == withheld_.schema_id &&
         next.first_sequence != 0;
}

LogBatch FilteredReader::Scan(LogPosition& position, size_t max_bytes) {
  FilteredBatch batch(max_bytes);
  size_t left = std::max(kMinScanBytes, kScanBytes / filter_->terms());
  is_unfinished_ = false;
  while (!batch.is_full()) {
    if (left == 0) {
      is_unfinished_ = true;
      break;
    }
    LogPosition front;
    LogPosition end = position;
    const LogBatch found = channel_.log().ReadSegment(end, front);
    if (!batch.has_begun()) {
      position = front;
      if (found.empty()) return found;
      batch.Begin(found, front);
    } else if (found.empty() || found.loss || end.run != position.run ||
               found.schema_id != batch.batch().schema_id) {
      break;
    } else {
      position = front;
    }
    if (found.slices.empty()) break;
    const size_t looked_at = ScanSegment(found.slices.front(), left, batch, position);
    left -= std::min(left, std::max(looked_at, kSegmentCostBytes));
  }
  return batch.Finish(position);
}

// Returns how many bytes were looked at.
size_t FilteredReader::ScanSegment(const SegmentSlice& slice, size_t max_bytes,
                                   FilteredBatch& batch, LogPosition& position) {
  const Segment& segment = *slice.segment;
  const FilterProgram& program = ProgramFor(segment.schema_id());
  const size_t end = position.offset + slice.bytes.size();
  const std::span<const std::byte> bytes(segment.bytes(), end);
  const auto take = [&](const MatchList& list) { batch.Take(slice.segment, list, position); };
  const auto shared = segment.matches().Share(filter_, program, bytes, segment.first_sequence() - 1,
                                              max_bytes, take);
  if (shared) return *shared;
  MatchList own(position.offset, position.cursor.sequence);
  const size_t looked_at = own.Extend(program, bytes, max_bytes);
  take(own);
  return looked_at;
}

const FilterProgram& FilteredReader::ProgramFor(uint64_t schema_id) {
  if (!compiled_ || compiled_schema_id_ != schema_id) {
    compiled_ = filter_->CompiledFor(channel_.FindSchema(schema_id).get());
    compiled_schema_id_ = schema_id;
  }
  return compiled_->program;
}

}  // namespace kchan::hub
