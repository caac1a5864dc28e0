// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/filtered_batch.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "bridge/hub/element.h"

namespace kchan::hub {
namespace {

// Shorter runs are copied.
constexpr size_t kSliceBytes = 4 << 10;
constexpr size_t kCopiedBytes = 32 << 10;

// How many bytes of whole elements at the start of `bytes` fit.
size_t WholeElements(std::span<const std::byte> bytes, size_t max_bytes) {
  size_t whole = 0;
  while (whole < bytes.size()) {
    const std::optional<Element> element = ParseElement(bytes.subspan(whole));
    if (!element || element->bytes > max_bytes - whole) break;
    whole += element->bytes;
  }
  return whole;
}

size_t FirstElement(std::span<const std::byte> bytes) {
  const std::optional<Element> element = ParseElement(bytes);
  return element ? element->bytes : 0;
}

uint64_t NumbersIn(std::span<const std::byte> bytes) {
  uint64_t numbers = 0;
  while (const std::optional<Element> element = ParseElement(bytes)) {
    numbers += element->numbers;
    bytes = bytes.subspan(element->bytes);
  }
  return numbers;
}

}  // namespace

void FilteredBatch::Begin(const LogBatch& found, const LogPosition& front) {
  has_begun_ = true;
  batch_.epoch = found.epoch;
  batch_.schema_id = found.schema_id;
  batch_.loss = found.loss;
  const bool covers_loss = found.loss && found.loss->count != 0;
  batch_.first_sequence = covers_loss ? found.loss->first_sequence : front.cursor.sequence + 1;
}

void FilteredBatch::Take(const std::shared_ptr<const Segment>& segment, const MatchList& list,
                         LogPosition& position) {
  uint64_t& sequence = position.cursor.sequence;
  auto run =
      std::partition_point(list.runs().begin(), list.runs().end(),
                           [&](const MatchRun& each) { return each.end <= position.offset; });
  for (; run != list.runs().end(); ++run) {
    if (run->begin > position.offset) {
      batch_.filtered += run->before_sequence - sequence;
      position.offset = run->begin;
      sequence = run->before_sequence;
    }
    const std::span<const std::byte> bytes(segment->bytes() + position.offset,
                                           run->end - position.offset);
    const size_t added = Add(segment, bytes);
    position.offset += added;
    if (added < bytes.size()) {
      sequence += NumbersIn(bytes.first(added));
      is_full_ = true;
      return;
    }
    sequence = run->last_sequence;
  }
  if (position.offset < list.offset()) {
    batch_.filtered += list.sequence() - sequence;
    position.offset = list.offset();
    sequence = list.sequence();
  }
  is_full_ = batch_.body_bytes >= max_bytes_;
}

// Adds as many whole elements as there is room for; returns their bytes.
size_t FilteredBatch::Add(const std::shared_ptr<const Segment>& segment,
                          std::span<const std::byte> bytes) {
  const size_t room = max_bytes_ - std::min(max_bytes_, batch_.body_bytes);
  size_t size = bytes.size() <= room ? bytes.size() : WholeElements(bytes, room);
  if (size == 0 && batch_.slices.empty()) size = FirstElement(bytes);
  if (size < kSliceBytes) {
    const size_t copy_room = kCopiedBytes - copied_bytes_;
    if (size > copy_room) size = WholeElements(bytes, copy_room);
    if (size != 0) Copy(bytes.first(size));
  } else {
    batch_.slices.push_back({.segment = segment, .bytes = bytes.first(size)});
  }
  batch_.body_bytes += size;
  return size;
}

void FilteredBatch::Copy(std::span<const std::byte> bytes) {
  if (!copies_) copies_ = std::make_shared_for_overwrite<std::byte[]>(kCopiedBytes);
  std::byte* const to = copies_.get() + copied_bytes_;
  std::memcpy(to, bytes.data(), bytes.size());
  copied_bytes_ += bytes.size();
  SegmentSlice* last = batch_.slices.empty() ? nullptr : &batch_.slices.back();
  if (last != nullptr && last->bytes.data() + last->bytes.size() == to) {
    last->bytes = {last->bytes.data(), last->bytes.size() + bytes.size()};
  } else {
    batch_.slices.push_back({.copy = copies_, .bytes = {to, bytes.size()}});
  }
}

LogBatch FilteredBatch::Finish(const LogPosition& position) {
  batch_.last_sequence = position.cursor.sequence;
  if (batch_.last_sequence < batch_.first_sequence) batch_.first_sequence = 0;
  return std::move(batch_);
}

}  // namespace kchan::hub
