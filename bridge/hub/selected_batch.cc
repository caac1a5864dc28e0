// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/selected_batch.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "bridge/hub/check.h"
#include "bridge/hub/element.h"

namespace kchan::hub {
namespace {

// Shorter stretches are copied.
constexpr size_t kSliceBytes = 4 << 10;
constexpr size_t kCopiedBytes = 32 << 10;
// What a loss without CPU and cause takes at most.
constexpr size_t kMaxLossBytes = 32;

// How many bytes of whole elements at the start of `bytes` fit. What takes no
// number stays with what is in front of it, if that is not the first: a place in
// the history is a number, and cannot be between the two.
size_t WholeElements(std::span<const std::byte> bytes, size_t max_bytes) {
  size_t whole = 0;
  size_t in_front = 0;  // of the last that takes a number
  while (whole < bytes.size()) {
    const std::optional<Element> element = ParseElement(bytes.subspan(whole));
    if (!element) break;
    if (element->bytes > max_bytes - whole) {
      return element->numbers == 0 && in_front != 0 ? in_front : whole;
    }
    if (element->numbers != 0) in_front = whole;
    whole += element->bytes;
  }
  return whole;
}

size_t FirstElement(std::span<const std::byte> bytes) {
  const std::optional<Element> element = ParseElement(bytes);
  return element ? element->bytes : 0;
}

}  // namespace

void SelectedBatch::Begin(const LogBatch& found, const LogPosition& front) {
  has_begun_ = true;
  batch_.epoch = found.epoch;
  batch_.schema_id = found.schema_id;
  batch_.loss = found.loss;
  batch_.clock_offset_ns = found.clock_offset_ns;
  const bool covers_loss = found.loss && found.loss->count != 0;
  batch_.first_sequence = covers_loss ? found.loss->first_sequence : front.cursor.sequence + 1;
}

bool SelectedBatch::Continues(const LogBatch& found) const {
  return !found.loss && found.epoch == batch_.epoch && found.schema_id == batch_.schema_id &&
         found.clock_offset_ns == batch_.clock_offset_ns;
}

// Every loss matches, so all that lies between two runs is records.
void SelectedBatch::Take(const RecordSelection& selection, const BatchBounds& bounds,
                         const std::shared_ptr<const Segment>& segment, const MatchList& matches,
                         const LogPosition& end, LogPosition& position) {
  const bool is_whole = end.offset <= matches.offset();
  const size_t stop = is_whole ? end.offset : matches.offset();
  const uint64_t stop_sequence = is_whole ? end.cursor.sequence : matches.sequence();
  const auto filter_up_to = [&](size_t offset, uint64_t sequence) {
    if (offset <= position.offset) return;
    batch_.filtered += sequence - position.cursor.sequence;
    position.offset = offset;
    position.cursor.sequence = sequence;
  };
  auto run =
      std::partition_point(matches.runs().begin(), matches.runs().end(),
                           [&](const MatchRun& each) { return each.end <= position.offset; });
  const bool takes_whole = selection.takes_all_that_match() && bounds.quota.is_unbounded();
  for (; run != matches.runs().end() && run->begin < stop; ++run) {
    filter_up_to(run->begin, run->before_sequence);
    const bool is_cut = run->end > stop;
    const size_t run_end = is_cut ? stop : run->end;
    const std::span<const std::byte> bytes(segment->bytes() + position.offset,
                                           run_end - position.offset);
    if (takes_whole) {
      Stretch whole{
          .bytes = bytes.size(),
          .numbers = (is_cut ? stop_sequence : run->last_sequence) - position.cursor.sequence};
      Give(selection.form, segment, bytes, bounds.max_bytes, whole);
      position.offset += whole.bytes;
      position.cursor.sequence += whole.numbers;
    } else {
      TakeRun(selection, bounds, segment, bytes, position);
    }
    if (is_full_) return;
  }
  filter_up_to(stop, stop_sequence);
  is_full_ = batch_.body_bytes >= bounds.max_bytes;
}

// Takes of a run, which begins at `position`, what the selection and the quota let
// pass.
void SelectedBatch::TakeRun(const RecordSelection& selection, const BatchBounds& bounds,
                            const std::shared_ptr<const Segment>& segment,
                            std::span<const std::byte> run, LogPosition& position) {
  while (!run.empty() && !is_full_) {
    Stretch stretch = Judge(selection, bounds.quota, run, position.cursor.sequence);
    switch (stretch.verdict) {
      case Verdict::kGive:
        Give(selection.form, segment, run, bounds.max_bytes, stretch);
        if (records_ == bounds.quota.records) is_full_ = true;
        break;
      case Verdict::kSampled:
        batch_.sampled += stretch.numbers;
        [[fallthrough]];
      case Verdict::kFiltered:
        batch_.filtered += stretch.numbers;
        break;
      case Verdict::kLimited:
        Limit(position.cursor.sequence, stretch);
        break;
    }
    run = run.subspan(stretch.bytes);
    position.offset += stretch.bytes;
    position.cursor.sequence += stretch.numbers;
  }
}

// What the elements at the start of `bytes`, behind `sequence`, have in common.
SelectedBatch::Stretch SelectedBatch::Judge(const RecordSelection& selection,
                                            const RecordQuota& quota,
                                            std::span<const std::byte> bytes,
                                            uint64_t sequence) const {
  const auto judge = [&](const Element& element, uint64_t number, uint64_t given) {
    if (!element.is_record) return Verdict::kGive;
    if (RecordBoottime(element) < selection.since_ns) return Verdict::kFiltered;
    if (number % selection.sample_every != 0) return Verdict::kSampled;
    return given < quota.rate ? Verdict::kGive : Verdict::kLimited;
  };
  Stretch stretch;
  while (stretch.bytes < bytes.size()) {
    const std::optional<Element> element = ParseElement(bytes.subspan(stretch.bytes));
    KCHAN_CHECK(element, "a segment holds whole elements");
    const uint64_t given = records_ + stretch.records;
    const Verdict verdict = judge(*element, sequence + stretch.numbers + 1, given);
    if (stretch.bytes == 0) stretch.verdict = verdict;
    if (verdict != stretch.verdict || given == quota.records) break;
    stretch.bytes += element->bytes;
    stretch.numbers += element->numbers;
    if (verdict == Verdict::kGive && element->is_record) ++stretch.records;
  }
  return stretch;
}

// Gives of the stretch, at the start of `bytes`, what there is room for, and
// shortens it to that.
void SelectedBatch::Give(RecordForm* form, const std::shared_ptr<const Segment>& segment,
                         std::span<const std::byte> bytes, size_t max_bytes, Stretch& stretch) {
  if (!limited_.empty()) AddLimited();
  bytes = bytes.first(stretch.bytes);
  const size_t added =
      form == nullptr ? Add(segment, bytes, max_bytes) : AddInForm(*form, bytes, max_bytes);
  if (added < stretch.bytes) {
    is_full_ = true;
    stretch = {};
    while (stretch.bytes < added) {
      const std::optional<Element> element = ParseElement(bytes.subspan(stretch.bytes));
      stretch.bytes += element->bytes;
      stretch.numbers += element->numbers;
      if (element->is_record) ++stretch.records;
    }
  }
  records_ += stretch.records;
}

// Loses the stretch, which is behind the number `after`, if there is room to say
// so; else shortens it to nothing. Neighbours are one loss.
void SelectedBatch::Limit(uint64_t after, Stretch& stretch) {
  if (!limited_.empty() && limited_.back().first_sequence + limited_.back().count == after + 1) {
    limited_.back().count += stretch.numbers;
    batch_.limited += stretch.numbers;
    return;
  }
  if (copied_bytes_ + (limited_.size() + 1) * kMaxLossBytes > kCopiedBytes) {
    is_full_ = true;
    stretch = {};
    return;
  }
  limited_.push_back(
      {.first_sequence = after + 1, .count = stretch.numbers, .stage = LossStage::kRateLimit});
  batch_.limited += stretch.numbers;
}

// Adds as many whole elements as there is room for; returns their bytes.
size_t SelectedBatch::Add(const std::shared_ptr<const Segment>& segment,
                          std::span<const std::byte> bytes, size_t max_bytes) {
  const size_t room = max_bytes - std::min(max_bytes, batch_.body_bytes);
  size_t size = bytes.size() <= room ? bytes.size() : WholeElements(bytes, room);
  if (size == 0 && batch_.slices.empty()) size = FirstElement(bytes);
  if (size < kSliceBytes) {
    if (size > CopyRoom()) size = WholeElements(bytes, CopyRoom());
    if (size != 0) std::memcpy(Room(size), bytes.data(), size);
  } else {
    batch_.slices.push_back({.segment = segment, .bytes = bytes.first(size)});
    batch_.body_bytes += size;
  }
  return size;
}

// As Add(), of records in another form.
size_t SelectedBatch::AddInForm(RecordForm& form, std::span<const std::byte> bytes,
                                size_t max_bytes) {
  size_t taken = 0;
  std::optional<Element> next = ParseElement(bytes);
  while (next) {
    const Element element = *next;
    const std::byte* const from = bytes.data() + taken;
    size_t behind = 0;  // of what stays with it: see WholeElements()
    next = ParseElement(bytes.subspan(taken + element.bytes));
    while (next && next->numbers == 0) {
      behind += next->bytes;
      next = ParseElement(bytes.subspan(taken + element.bytes + behind));
    }
    GivenPayload payload;
    RecordSize size{.element = element.bytes};
    const std::optional<RecordView> record = ParseRecord(element);
    RecordHeader header;
    if (record) {
      header = {.boottime_ns = record->boottime_ns, .cpu = record->cpu, .type = record->type};
      payload = form.Of(record->type, record->payload);
      size = SizeOfRecord(header, payload.bytes.size());
    }
    const size_t room = max_bytes - std::min(max_bytes, batch_.body_bytes);
    const bool fits = size.element + behind <= std::min(room, CopyRoom());
    if (!fits && !batch_.slices.empty()) return taken;
    std::byte* to = Room(size.element + behind);
    to = record ? PutRecord(to, size, record->sequence, header,
                            std::as_bytes(std::span(payload.bytes)), payload.field)
                : wire::PutBytes(to, from, element.bytes);
    wire::PutBytes(to, from + element.bytes, behind);
    taken += element.bytes + behind;
  }
  return taken;
}

void SelectedBatch::AddLimited() {
  for (const Loss& loss : limited_) PutLoss(Room(SizeOfLoss(loss)), loss);
  limited_.clear();
}

size_t SelectedBatch::CopyRoom() const {
  return kCopiedBytes - std::min(kCopiedBytes, copied_bytes_);
}

// Where the next `bytes` of the batch are copied to. The first may be longer than
// there is room for.
std::byte* SelectedBatch::Room(size_t bytes) {
  if (!copies_) {
    copies_bytes_ = std::max(kCopiedBytes, bytes);
    copies_ = std::make_shared_for_overwrite<std::byte[]>(copies_bytes_);
  }
  KCHAN_CHECK(bytes <= copies_bytes_ - copied_bytes_, "what is copied was bounded before");
  std::byte* const to = copies_.get() + copied_bytes_;
  copied_bytes_ += bytes;
  batch_.body_bytes += bytes;
  SegmentSlice* last = batch_.slices.empty() ? nullptr : &batch_.slices.back();
  if (last != nullptr && last->bytes.data() + last->bytes.size() == to) {
    last->bytes = {last->bytes.data(), last->bytes.size() + bytes};
  } else {
    batch_.slices.push_back({.copy = copies_, .bytes = {to, bytes}});
  }
  return to;
}

LogBatch SelectedBatch::Finish(const LogPosition& position) {
  AddLimited();
  batch_.last_sequence = position.cursor.sequence;
  if (batch_.last_sequence < batch_.first_sequence) batch_.first_sequence = 0;
  return std::move(batch_);
}

}  // namespace kchan::hub
