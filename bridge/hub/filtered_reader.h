// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_FILTERED_READER_H_
#define KCHAN_BRIDGE_HUB_FILTERED_READER_H_

#include <cstddef>
#include <memory>

#include "bridge/hub/channel.h"
#include "bridge/hub/filter.h"
#include "bridge/hub/filtered_batch.h"
#include "bridge/hub/log.h"

namespace kchan::hub {

// Reads a channel's log through a filter.
//
// Numbers that are withheld are not told at once, or a filter that matches
// nothing would make as many messages as one that matches all: they wait for
// the next batch, which then begins with them, and are given alone only where
// nothing can be joined with them or they have waited long enough.
//
// Each call looks at a bounded stretch, so that a filter that matches nothing
// keeps nobody else waiting.
//
// Thread safety: none; a part of its ChannelReader. What it has looked at is
// shared with other readers by the segments.
class FilteredReader {
 public:
  FilteredReader(const Channel& channel, std::shared_ptr<const Filter> filter,
                 const LogPosition& start)
      : channel_(channel), filter_(std::move(filter)), reached_(start) {}

  // What comes next behind what was given out, at most about max_bytes. Sets
  // `position`, which is what was given out last, to where it ends; leaves it if
  // there is nothing to give, but for a new epoch that has nothing yet. The
  // batch counts as given out when Accept() is called.
  //
  // `report_at`: withheld numbers up to there or beyond are given alone, since
  // somebody waits for that place. Null: there is no such.
  LogBatch Peek(LogPosition& position, size_t max_bytes, const LogPosition* report_at);
  void Accept(const LogPosition& given);

  // Whether the last Peek() stopped because it had looked at enough: there may
  // be more.
  bool is_unfinished() const { return is_unfinished_; }

  // The next Peek() gives withheld numbers alone. False: there are none.
  bool Report();

  // What follows was not looked at.
  const LogPosition& reached() const { return reached_; }

 private:
  LogBatch Scan(LogPosition& position, size_t max_bytes);
  size_t ScanSegment(const SegmentSlice& slice, size_t max_bytes, FilteredBatch& batch,
                     LogPosition& position);
  const FilterProgram& ProgramFor(uint64_t schema_id);
  bool Joins(const LogBatch& next, const LogPosition& position) const;

  const Channel& channel_;
  const std::shared_ptr<const Filter> filter_;
  LogPosition reached_;  // behind what was given out and what is withheld
  LogBatch withheld_;    // numbers only
  bool report_ = false;
  bool is_unfinished_ = false;
  std::shared_ptr<const CompiledFilter> compiled_;
  uint64_t compiled_schema_id_ = 0;  // 0: not compiled yet
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_FILTERED_READER_H_
