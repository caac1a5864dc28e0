// SPDX-License-Identifier: Apache-2.0
// Where a reader starts in a log.
#include <algorithm>
#include <span>

#include "bridge/hub/element.h"
#include "bridge/hub/log.h"

namespace kchan::hub {

std::optional<LogPosition> Log::Seek(const Start& start) const {
  const std::lock_guard lock(mutex_);
  if (std::holds_alternative<StartOldest>(start)) return Oldest();
  if (const auto* last = std::get_if<StartLast>(&start)) return LastRecords(last->records);
  if (const auto* since = std::get_if<StartSince>(&start)) return Since(*since);
  if (const auto* at = std::get_if<StartAt>(&start)) {
    const Run* run = FindRun(at->cursor);
    if (run == nullptr) return LogPosition{.cursor = at->cursor, .unknown_epoch = true};
    if (run->IsAwaited(at->cursor.sequence)) {
      return LogPosition{.cursor = at->cursor, .unknown_epoch = true};
    }
    return Find(at->cursor);
  }
  if (runs_.empty() || runs_.back().has_history || runs_.back().is_restored) {
    return LogPosition{.after_history = true, .run = runs_.empty() ? 0 : runs_.back().id};
  }
  return Newest();
}

LogPosition Log::End() const {
  const std::lock_guard lock(mutex_);
  return Newest();
}

uint64_t Log::NumbersBehind(const LogPosition& position) const {
  if (position.after_history || position.unknown_epoch) return 0;
  const std::lock_guard lock(mutex_);
  uint64_t behind = 0;
  for (const Run& run : runs_) {
    const uint64_t from =
        run.id == position.run ? position.cursor.sequence : run.first_sequence - 1;
    if (run.id >= position.run && run.last_sequence > from) behind += run.last_sequence - from;
  }
  return behind;
}

// The newest one, should an epoch have come back.
const Log::Run* Log::FindRun(const Cursor& cursor) const {
  const auto run = std::find_if(runs_.rbegin(), runs_.rend(),
                                [&](const Run& each) { return each.epoch == cursor.epoch; });
  return run == runs_.rend() ? nullptr : &*run;
}

// The place behind `cursor`; nothing if its epoch is unknown, or has not come so
// far. An earlier daemon may have seen more of an epoch that is over.
std::optional<LogPosition> Log::Find(const Cursor& cursor) const {
  const Run* run = FindRun(cursor);
  if (run == nullptr) return std::nullopt;
  if (cursor.sequence <= run->last_sequence) return Locate(*run, cursor.sequence);
  if (run->ended_unseen) {
    // It has more than is known of that epoch; Resolve() says so at its end.
    return LogPosition{.cursor = cursor, .schema_id = run->schema_id, .run = run->id};
  }
  if (!run->had_history || run->id == runs_.back().id) return std::nullopt;
  return Locate(*run, run->last_sequence);
}

LogPosition Log::Oldest() const {
  if (auto oldest = OldestInHistory()) return *oldest;
  return entries_.empty() ? Newest() : OldestInLog();
}

LogPosition Log::OldestInLog() const {
  const Entry& entry = entries_.front();
  return {.cursor = {entry.segment->epoch(), entry.segment->first_sequence() - 1},
          .schema_id = entry.segment->schema_id(),
          .run = entry.run,
          .segment_id = first_id_};
}

LogPosition Log::Newest() const {
  LogPosition position{.segment_id = first_id_ + entries_.size()};
  if (runs_.empty()) return position;
  const Run& run = runs_.back();
  position.cursor = {run.epoch, run.last_sequence};
  position.schema_id = run.schema_id;
  position.run = run.id;
  if (!entries_.empty()) {
    --position.segment_id;
    position.offset = entries_.back().bytes;
  }
  return position;
}

LogPosition Log::LastRecords(uint64_t records) const {
  if (records == 0) return Newest();
  size_t index = entries_.size();
  uint64_t found = 0;
  while (index > 0 && found < records) found += entries_[--index].records;
  if (found < records) {
    if (!OldestInHistory()) return Oldest();
    const LogPosition before = entries_.empty() ? Newest() : OldestInLog();
    return {.lookup = HistoryQuery{
                .run = before.run, .after = before.cursor, .last_records = records - found}};
  }

  const Entry& entry = entries_[index];
  const Segment& segment = *entry.segment;
  LogPosition position{.cursor = {segment.epoch(), segment.first_sequence() - 1},
                       .schema_id = segment.schema_id(),
                       .run = entry.run,
                       .segment_id = first_id_ + index};
  std::span<const std::byte> rest(segment.bytes(), entry.bytes);
  for (uint64_t to_pass = found - records;;) {
    const std::optional<Element> element = ParseElement(rest);
    if (!element || (element->is_record && to_pass-- == 0)) return position;
    rest = rest.subspan(element->bytes);
    position.offset += element->bytes;
    position.cursor.sequence += element->numbers;
  }
}

// The place behind `sequence`, which `run` has reached.
LogPosition Log::Locate(const Run& run, uint64_t sequence) const {
  const auto found =
      std::partition_point(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.run < run.id || (entry.run == run.id && entry.last_sequence < sequence);
      });
  LogPosition position{.cursor = {run.epoch, sequence},
                       .schema_id = run.schema_id,
                       .run = run.id,
                       .segment_id = first_id_ + static_cast<uint64_t>(found - entries_.begin())};
  if (found == entries_.end() || found->run != run.id) return position;

  const Segment& segment = *found->segment;
  position.schema_id = segment.schema_id();
  std::span<const std::byte> rest(segment.bytes(), found->bytes);
  for (uint64_t reached = segment.first_sequence() - 1; reached < sequence;) {
    const std::optional<Element> element = ParseElement(rest);
    if (!element) break;
    rest = rest.subspan(element->bytes);
    position.offset += element->bytes;
    reached += element->numbers;
    if (reached > sequence) {
      // Inside a loss: its first part is behind the reader.
      const Loss loss = ParseLoss(*element);
      position.owed = Loss{.first_sequence = sequence + 1,
                           .count = reached - sequence,
                           .stage = loss.stage,
                           .cpu = loss.cpu};
    }
  }
  return position;
}

// Each segment, kept or evicted, knows its youngest record: the first that is
// young enough is the place, for a log's order need not be time order.
LogPosition Log::Since(const StartSince& since) const {
  if (const std::optional<LogPosition> place = SinceInHistory(since.utc_ns)) return *place;
  const uint64_t boottime_ns = since.boottime_ns;
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
