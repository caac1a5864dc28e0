// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/record_selection.h"

#include <algorithm>
#include <optional>

namespace kchan::hub {

uint64_t FirstElement(const LogBatch& batch) {
  if (batch.loss && batch.loss->count != 0) {
    return batch.loss->first_sequence + batch.loss->count;
  }
  return batch.first_sequence;
}

bool RunSelector::Add(const LogBatch& found, uint64_t through) {
  Begin(found);
  sequence_ = FirstElement(found);
  const bool is_whole = found.last_sequence <= through && selection_.takes_all() &&
                        quota_.records == UINT64_MAX && quota_.rate == UINT64_MAX;
  if (is_whole) {
    batch_.slices.insert(batch_.slices.end(), found.slices.begin(), found.slices.end());
    batch_.body_bytes += found.body_bytes;
    batch_.last_sequence = found.last_sequence;
    return true;
  }
  for (const SegmentSlice& slice : found.slices) {
    if (!AddElements(slice, through)) {
      batch_.last_sequence = sequence_ - 1;
      if (batch_.last_sequence < batch_.first_sequence) batch_.first_sequence = 0;
      return false;
    }
  }
  batch_.last_sequence = found.last_sequence;
  return true;
}

void RunSelector::Begin(const LogBatch& found) {
  if (batch_.covers_numbers()) return;
  batch_.epoch = found.epoch;
  batch_.schema_id = found.schema_id;
  batch_.first_sequence = found.first_sequence;
  batch_.loss = found.loss;
  batch_.losses = found.losses;
}

bool RunSelector::AddElements(const SegmentSlice& slice, uint64_t through) {
  std::span<const std::byte> rest = slice.bytes;
  while (const std::optional<Element> element = ParseElement(rest)) {
    if (sequence_ > through) return false;
    const Verdict verdict = element->is_record ? Judge(*element) : Verdict::kGive;
    switch (verdict) {
      case Verdict::kGive:
        Give(slice, rest.first(element->bytes));
        break;
      case Verdict::kSampled:
        ++batch_.sampled;
        [[fallthrough]];
      case Verdict::kFiltered:
        ++batch_.filtered;
        break;
      case Verdict::kLimited:
        Lose();
        break;
      case Verdict::kEnd:
        return false;
    }
    sequence_ += element->numbers;
    rest = rest.subspan(element->bytes);
    if (verdict != Verdict::kGive || !element->is_record) continue;
    if (++records_ == quota_.records) return false;
  }
  return true;
}

// In this order, which the protocol promises.
RunSelector::Verdict RunSelector::Judge(const Element& record) const {
  const uint64_t boottime_ns = RecordBoottime(record);
  if (boottime_ns > selection_.until_ns) return Verdict::kEnd;
  if (boottime_ns < selection_.since_ns) return Verdict::kFiltered;
  if (sequence_ % selection_.sample_every != 0) return Verdict::kSampled;
  if (records_ == quota_.rate) return Verdict::kLimited;
  return Verdict::kGive;
}

// Neighbours are one slice.
void RunSelector::Give(const SegmentSlice& slice, std::span<const std::byte> element) {
  batch_.body_bytes += element.size();
  if (!batch_.slices.empty()) {
    SegmentSlice& last = batch_.slices.back();
    if (last.segment == slice.segment && last.bytes.data() + last.bytes.size() == element.data()) {
      last.bytes = {last.bytes.data(), last.bytes.size() + element.size()};
      return;
    }
  }
  batch_.slices.push_back({.segment = slice.segment, .bytes = element});
}

void RunSelector::Lose() {
  if (!batch_.losses.empty()) {
    Loss& last = batch_.losses.back().loss;
    if (last.stage == LossStage::kRateLimit && last.first_sequence + last.count == sequence_) {
      ++last.count;
      return;
    }
  }
  batch_.losses.push_back({.slice = batch_.slices.size(),
                           .loss = {.first_sequence = sequence_,
                                    .count = 1,
                                    .stage = LossStage::kRateLimit,
                                    .cause = "max_records_per_second"}});
}

}  // namespace kchan::hub
