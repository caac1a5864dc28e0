// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_FILTER_MATCHES_H_
#define KCHAN_BRIDGE_HUB_FILTER_MATCHES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "bridge/hub/filter_program.h"

namespace kchan::hub {

class Filter;

// Consecutive elements of a segment that a filter lets pass, and the numbers
// that they cover. Offsets are from the segment's start, which is far shorter
// than 4 GiB.
struct MatchRun {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint64_t before_sequence = 0;  // the number in front of it
  uint64_t last_sequence = 0;    // before_sequence if it covers none
};

// What a filter lets pass of a segment, as far as was looked: runs in order.
// Every loss passes, so all that lies between two runs is records, of one
// number each.
//
// Thread safety: none.
class MatchList {
 public:
  // Begins in front of the element at `offset`, where `sequence` is behind.
  MatchList(size_t offset, uint64_t sequence) : offset_(offset), sequence_(sequence) {}

  // Looks on at `bytes`, a segment's from its start, up to their end or until
  // max_bytes more have been looked at; at least at one element. Returns how many.
  size_t Extend(const FilterProgram& program, std::span<const std::byte> bytes, size_t max_bytes);

  // Lets pass all up to `end`, which `numbers` more lead to.
  void Pass(size_t end, uint64_t numbers);

  const std::vector<MatchRun>& runs() const { return runs_; }
  // Looked at up to here.
  size_t offset() const { return offset_; }
  uint64_t sequence() const { return sequence_; }
  size_t memory_bytes() const { return sizeof(*this) + runs_.capacity() * sizeof(MatchRun); }

 private:
  size_t offset_;
  uint64_t sequence_;
  std::vector<MatchRun> runs_;
};

// The match lists of one segment, one for each filter: what one subscription
// has looked at is known to all that have the same filter. A part of the
// segment, and gone with it.
//
// Thread safety: any thread.
class SegmentMatches {
 public:
  // Of all segments that count in the same place. Beyond it every subscription
  // looks for itself.
  static constexpr uint64_t kMaxBytes = 16 << 20;

  // `bytes_used` outlives it.
  explicit SegmentMatches(std::atomic<uint64_t>& bytes_used) : bytes_used_(bytes_used) {}
  ~SegmentMatches();
  SegmentMatches(const SegmentMatches&) = delete;
  SegmentMatches& operator=(const SegmentMatches&) = delete;

  // Extends the list of `filter`, which began at the segment's start, as
  // MatchList::Extend(), and calls use(const MatchList&) with the lock held.
  // Returns how many bytes were looked at; nothing, and calls nothing, if there
  // is no room for a list.
  template <typename Use>
  std::optional<size_t> Share(const std::shared_ptr<const Filter>& filter,
                              const FilterProgram& program, std::span<const std::byte> bytes,
                              uint64_t before_sequence, size_t max_bytes, Use&& use) {
    const std::lock_guard lock(mutex_);
    Entry* entry = FindLocked(filter, before_sequence);
    if (entry == nullptr) return std::nullopt;
    const size_t looked_at = entry->list.Extend(program, bytes, max_bytes);
    CountLocked(*entry);
    use(std::as_const(entry->list));
    return looked_at;
  }

 private:
  // A filter that nobody uses any more makes room for another.
  struct Entry {
    std::weak_ptr<const Filter> filter;  // an address may come back, this does not
    MatchList list;
    size_t counted_bytes = 0;
  };

  Entry* FindLocked(const std::shared_ptr<const Filter>& filter, uint64_t before_sequence);
  void CountLocked(Entry& entry);

  std::atomic<uint64_t>& bytes_used_;
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_FILTER_MATCHES_H_
