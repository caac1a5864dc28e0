// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/mask_program.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

namespace kchan::hub {
namespace {

// What a LOC field says: its low half is where, its high half how long.
constexpr uint32_t kAbsentLoc = UINT32_MAX;
constexpr size_t kMostOfLoc = UINT16_MAX;

uint32_t Swapped(uint32_t value, bool is_big_endian) {
  return is_big_endian == (std::endian::native == std::endian::big) ? value
                                                                    : __builtin_bswap32(value);
}

uint32_t LoadLoc(const TypeCut& cut, const std::string& from, size_t at) {
  uint32_t loc = 0;
  std::memcpy(&loc, from.data() + at, sizeof(loc));
  return Swapped(loc, cut.is_big_endian);
}

void StoreLoc(const TypeCut& cut, std::string& to, size_t at, uint32_t loc) {
  loc = Swapped(loc, cut.is_big_endian);
  std::memcpy(to.data() + at, &loc, sizeof(loc));
}

struct LocBytes {
  size_t begin = 0;
  size_t size = 0;
};

// Nothing if it points out of the payload.
std::optional<LocBytes> BytesOf(uint32_t loc, std::string_view payload) {
  const LocBytes bytes{.begin = loc & 0xffff, .size = loc >> 16};
  if (bytes.begin > payload.size() || bytes.size > payload.size() - bytes.begin) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace

const TypeCut* MaskProgram::CutOf(uint32_t type) const {
  const auto cut =
      std::lower_bound(cuts_.begin(), cuts_.end(), type,
                       [](const TypeCut& each, uint32_t id) { return each.type < id; });
  return cut == cuts_.end() || cut->type != type || cut->keeps_layout ? nullptr : &*cut;
}

GivenPayload MaskedForm::Of(uint32_t type, std::string_view payload) {
  const TypeCut* cut = program_->CutOf(type);
  if (cut == nullptr) return {payload};
  cut_.clear();
  // A payload that ends within the pieces ends there when cut, so that what it
  // does not hold is absent as before.
  if (CopyPieces(*cut, payload)) {
    CopyRest(*cut, payload);
    CopyLocs(*cut, payload);
  } else {
    for (const uint32_t at : cut->locs) {
      if (at + sizeof(uint32_t) <= cut_.size()) StoreLoc(*cut, cut_, at, kAbsentLoc);
    }
  }
  return {cut_};
}

bool MaskedForm::CopyPieces(const TypeCut& cut, std::string_view payload) {
  for (const TypeCut::Piece& piece : cut.pieces) {
    if (piece.from > payload.size()) return false;
    cut_.append(payload.data() + piece.from,
                std::min<size_t>(piece.bytes, payload.size() - piece.from));
    if (piece.bytes > payload.size() - piece.from) return false;
  }
  return true;
}

void MaskedForm::CopyRest(const TypeCut& cut, std::string_view payload) {
  if (cut.rest == TypeCut::Rest::kNone || cut.rest_from > payload.size()) return;
  const std::string_view rest = payload.substr(cut.rest_from);
  const bool is_text = cut.rest == TypeCut::Rest::kText;
  cut_.append(is_text ? rest.substr(0, rest.find('\0')) : rest);
  // What LOC fields point to comes behind it.
  if (is_text && !cut.locs.empty()) cut_.push_back('\0');
}

// Moves what LOC fields point to. Fields may share bytes; these are copied once,
// so that what is given stays as short as what there was.
void MaskedForm::CopyLocs(const TypeCut& cut, std::string_view payload) {
  if (cut.locs.empty()) return;
  FindRanges(cut, payload);
  for (Range& range : ranges_) {
    range.moved_to = cut_.size();
    cut_.append(payload, range.begin, range.end - range.begin);
  }
  for (const uint32_t at : cut.locs) {
    const auto bytes = BytesOf(LoadLoc(cut, cut_, at), payload);
    uint32_t moved = bytes ? 0 : kAbsentLoc;  // without bytes anywhere will do
    if (bytes && bytes->size != 0) {
      const auto range = std::prev(
          std::upper_bound(ranges_.begin(), ranges_.end(), bytes->begin,
                           [](size_t begin, const Range& each) { return begin < each.begin; }));
      const size_t begin = range->moved_to + (bytes->begin - range->begin);
      moved = begin > kMostOfLoc ? kAbsentLoc : static_cast<uint32_t>(begin | (bytes->size << 16));
    }
    StoreLoc(cut, cut_, at, moved);
  }
}

// Sorted, apart from each other, and none of them empty.
void MaskedForm::FindRanges(const TypeCut& cut, std::string_view payload) {
  ranges_.clear();
  for (const uint32_t at : cut.locs) {
    const auto bytes = BytesOf(LoadLoc(cut, cut_, at), payload);
    if (!bytes || bytes->size == 0) continue;
    ranges_.push_back({.begin = bytes->begin, .end = bytes->begin + bytes->size});
  }
  std::sort(ranges_.begin(), ranges_.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  size_t joined = 0;
  for (size_t i = 1; i < ranges_.size(); ++i) {
    Range& last = ranges_[joined];
    if (ranges_[i].begin <= last.end) {
      last.end = std::max(last.end, ranges_[i].end);
    } else {
      ranges_[++joined] = ranges_[i];
    }
  }
  if (!ranges_.empty()) ranges_.resize(joined + 1);
}

}  // namespace kchan::hub
