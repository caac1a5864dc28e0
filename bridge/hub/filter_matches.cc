// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/filter_matches.h"

#include <algorithm>
#include <optional>

#include "bridge/hub/check.h"
#include "bridge/hub/element.h"
#include "bridge/hub/filter.h"

namespace kchan::hub {
namespace {

constexpr size_t kMaxLists = 32;  // of one segment

}  // namespace

size_t MatchList::Extend(const FilterProgram& program, std::span<const std::byte> bytes,
                         size_t max_bytes) {
  const size_t start = offset_;
  while (offset_ < bytes.size() && offset_ - start < max_bytes) {
    const std::optional<Element> element = ParseElement(bytes.subspan(offset_));
    KCHAN_CHECK(element, "a segment holds whole elements");
    const std::optional<RecordView> record = ParseRecord(*element);
    if (!record || program.Matches(*record)) {
      Pass(offset_ + element->bytes, element->numbers);
      continue;
    }
    offset_ += element->bytes;
    sequence_ += element->numbers;
  }
  return offset_ - start;
}

void MatchList::Pass(size_t end, uint64_t numbers) {
  if (runs_.empty() || runs_.back().end != offset_) {
    runs_.push_back({.begin = static_cast<uint32_t>(offset_),
                     .before_sequence = sequence_,
                     .last_sequence = sequence_});
  }
  runs_.back().end = static_cast<uint32_t>(end);
  runs_.back().last_sequence += numbers;
  offset_ = end;
  sequence_ += numbers;
}

SegmentMatches::~SegmentMatches() {
  for (const Entry& entry : entries_) {
    bytes_used_.fetch_sub(entry.counted_bytes, std::memory_order_relaxed);
  }
}

SegmentMatches::Entry* SegmentMatches::FindLocked(const std::shared_ptr<const Filter>& filter,
                                                  uint64_t before_sequence) {
  const auto known = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) {
    return !each.filter.owner_before(filter) && !filter.owner_before(each.filter);
  });
  const bool has_room = bytes_used_.load(std::memory_order_relaxed) < kMaxBytes;
  if (known != entries_.end() && has_room) return &*known;
  const bool is_known = known != entries_.end();
  std::erase_if(entries_, [&](const Entry& each) {
    if (!each.filter.expired()) return false;
    bytes_used_.fetch_sub(each.counted_bytes, std::memory_order_relaxed);
    return true;
  });
  if (is_known || !has_room || entries_.size() == kMaxLists) return nullptr;
  entries_.push_back({.filter = filter, .list = MatchList(0, before_sequence)});
  return &entries_.back();
}

void SegmentMatches::CountLocked(Entry& entry) {
  const size_t bytes = entry.list.memory_bytes();
  bytes_used_.fetch_add(bytes - entry.counted_bytes, std::memory_order_relaxed);
  entry.counted_bytes = bytes;
}

}  // namespace kchan::hub
