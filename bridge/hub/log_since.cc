// SPDX-License-Identifier: Apache-2.0
// Where a log's records of a time are. Each segment, kept or evicted, knows its
// youngest record: the first that is young enough is the place, for a log's
// order need not be time order.
#include <algorithm>

#include "bridge/hub/log.h"

namespace kchan::hub {

LogPosition Log::Since(uint64_t boottime_ns) const {
  if (evicted_.forgotten_newest_ns() >= boottime_ns && evicted_.forgotten_newest_ns() != 0) {
    return {.unknown_epoch = true};  // a loss of unknown count, then the oldest
  }
  if (const EvictedSpans::Span* span = evicted_.Since(boottime_ns)) {
    return InFrontOf(RunOf(span->run), span->first_sequence, boottime_ns);
  }
  const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& each) { return each.newest_ns >= boottime_ns; });
  if (entry == entries_.end()) return Newest();
  LogPosition position =
      InFrontOf(RunOf(entry->run), entry->segment->first_sequence(), boottime_ns);
  position.schema_id = entry->segment->schema_id();
  position.segment_id = first_id_ + static_cast<uint64_t>(entry - entries_.begin());
  return position;
}

// In front of a segment that begins with `sequence`; if that is the first one
// of its epoch, and its first record is not older than what is asked for, then
// in front of what this log never had.
LogPosition Log::InFrontOf(const Run& run, uint64_t sequence, uint64_t since_ns) const {
  const bool is_all = sequence == run.first_sequence && run.begin_ns >= since_ns;
  return {
      .cursor = {run.epoch, is_all ? 0 : sequence - 1}, .schema_id = run.schema_id, .run = run.id};
}

}  // namespace kchan::hub
