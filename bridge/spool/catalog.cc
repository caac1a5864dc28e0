// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/catalog.h"

#include <algorithm>
#include <utility>

namespace kchan::spool {
namespace {

constexpr size_t kMaxGaps = 256;
constexpr uint64_t kMarkBytes = 64 << 10;

}  // namespace

const Gap* SegmentFile::FindGap(uint64_t sequence) const {
  const auto found = std::find_if(gaps.begin(), gaps.end(), [&](const Gap& gap) {
    return gap.first <= sequence && sequence <= gap.last;
  });
  return found == gaps.end() ? nullptr : &*found;
}

const Mark* SegmentFile::FindMark(uint64_t sequence) const {
  const auto behind = std::partition_point(
      marks.begin(), marks.end(), [&](const Mark& mark) { return mark.sequence <= sequence; });
  return behind == marks.begin() ? nullptr : &*std::prev(behind);
}

void SegmentFile::AddGap(const Gap& gap) {
  Gap joined = gap;
  std::erase_if(gaps, [&](const Gap& each) {
    const bool touches = each.first <= joined.last + 1 && joined.first <= each.last + 1;
    if (!touches) return false;
    joined = {std::min(joined.first, each.first), std::max(joined.last, each.last)};
    return true;
  });
  if (gaps.size() >= kMaxGaps) {
    for (const Gap& each : gaps) {
      joined = {std::min(joined.first, each.first), std::max(joined.last, each.last)};
    }
    gaps.clear();
  }
  gaps.push_back(joined);
}

void SegmentFile::AddMark(const Mark& mark) {
  const auto behind = std::partition_point(
      marks.begin(), marks.end(), [&](const Mark& each) { return each.offset <= mark.offset; });
  if (behind != marks.begin() && mark.offset - std::prev(behind)->offset < kMarkBytes) return;
  if (behind != marks.end() && behind->offset - mark.offset < kMarkBytes) return;
  marks.insert(behind, mark);
}

Catalog::Catalog(std::deque<SegmentFile> files, std::deque<AsideFile> aside)
    : files_(std::move(files)), aside_(std::move(aside)) {
  for (const SegmentFile& file : files_) {
    bytes_ += file.bytes;
    records_ += file.facts.records;
  }
  for (const AsideFile& file : aside_) bytes_ += file.bytes;
}

SegmentFile* Catalog::Find(uint64_t epoch, uint64_t sequence) {
  const auto found = std::find_if(files_.begin(), files_.end(), [&](const SegmentFile& file) {
    return file.facts.epoch == epoch && file.facts.last_sequence >= sequence && !file.is_hidden;
  });
  return found == files_.end() ? nullptr : &*found;
}

SegmentFile* Catalog::FindIndex(uint32_t index) {
  const auto found = std::find_if(files_.begin(), files_.end(), [&](const SegmentFile& file) {
    return file.facts.index == index;
  });
  return found == files_.end() ? nullptr : &*found;
}

bool Catalog::HasEarlier(const SegmentFile& file) const {
  return std::any_of(files_.begin(), files_.end(), [&](const SegmentFile& each) {
    return each.facts.epoch == file.facts.epoch && each.facts.index < file.facts.index &&
           !each.is_hidden;
  });
}

bool Catalog::Uses(uint64_t schema_id) const {
  return std::any_of(files_.begin(), files_.end(),
                     [&](const SegmentFile& file) { return file.facts.schema_id == schema_id; });
}

std::vector<hub::HistoryEpoch> Catalog::Epochs() const {
  std::vector<hub::HistoryEpoch> epochs;
  for (const SegmentFile& file : files_) {
    const SegmentFacts& facts = file.facts;
    if (epochs.empty() || epochs.back().epoch != facts.epoch) {
      epochs.push_back({.epoch = facts.epoch, .after_unseen = facts.after_unseen});
    }
    epochs.back().schema_id = facts.schema_id;
    epochs.back().last_sequence = std::max(epochs.back().last_sequence, facts.last_sequence);
  }
  return epochs;
}

std::optional<hub::Cursor> Catalog::Oldest() const {
  const auto oldest = std::find_if(files_.begin(), files_.end(),
                                   [](const SegmentFile& file) { return !file.is_hidden; });
  if (oldest == files_.end()) return std::nullopt;
  return hub::Cursor{.epoch = oldest->facts.epoch, .sequence = oldest->facts.first_sequence - 1};
}

std::optional<hub::Cursor> Catalog::Since(uint64_t unix_ns) const {
  bool is_oldest = true;
  for (const SegmentFile& file : files_) {
    if (file.is_hidden) continue;
    if (file.newest_ns >= unix_ns) {
      const SegmentFacts& facts = file.facts;
      return hub::Cursor{.epoch = facts.epoch,
                         .sequence = is_oldest ? 0 : facts.first_sequence - 1};
    }
    is_oldest = false;
  }
  return std::nullopt;
}

void Catalog::Add(SegmentFile file) {
  bytes_ += file.bytes;
  records_ += file.facts.records;
  files_.push_back(std::move(file));
}

void Catalog::UpdateNewest(const SegmentFacts& facts, uint64_t bytes, uint64_t newest_ns,
                           bool is_open) {
  SegmentFile& file = files_.back();
  bytes_ += bytes - file.bytes;
  records_ += facts.records - file.facts.records;
  file.facts = facts;
  file.bytes = bytes;
  file.newest_ns = newest_ns;
  file.is_open = is_open;
}

void Catalog::RemoveOldestAside() {
  bytes_ -= aside_.front().bytes;
  aside_.pop_front();
}

void Catalog::Remove(uint32_t index) {
  const auto file = std::find_if(files_.begin(), files_.end(), [&](const SegmentFile& each) {
    return each.facts.index == index;
  });
  if (file == files_.end()) return;
  bytes_ -= file->bytes;
  if (!file->is_hidden) records_ -= file->facts.records;
  files_.erase(file);
}

bool Catalog::SetHidden(uint32_t index, bool is_hidden) {
  SegmentFile* file = FindIndex(index);
  if (file == nullptr || file->is_hidden == is_hidden) return false;
  file->is_hidden = is_hidden;
  if (is_hidden) {
    records_ -= file->facts.records;
  } else {
    records_ += file->facts.records;
  }
  return true;
}

void Catalog::Adopt(const Catalog& older) {
  for (auto file = older.files_.rbegin(); file != older.files_.rend(); ++file) {
    files_.push_front(*file);
    files_.front().is_hidden = true;
  }
  aside_.insert(aside_.begin(), older.aside_.begin(), older.aside_.end());
  bytes_ += older.bytes_;
}

}  // namespace kchan::spool
