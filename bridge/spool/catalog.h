// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_CATALOG_H_
#define KCHAN_BRIDGE_SPOOL_CATALOG_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "bridge/hub/history.h"
#include "bridge/spool/segment_name.h"

namespace kchan::spool {

// Numbers that a file should have and has not.
struct Gap {
  uint64_t first = 0;
  uint64_t last = 0;
};

// A frame of a file: where to start to look for later ones.
struct Mark {
  uint64_t sequence = 0;  // that frame's first
  uint64_t offset = 0;
};

// One segment file, as far as it is known without reading it.
struct SegmentFile {
  SegmentFacts facts;
  uint64_t bytes = 0;  // whole frames
  uint64_t newest_ns = 0;
  bool is_open = false;    // has that name
  bool is_hidden = false;  // see Catalog::SetHidden()
  std::vector<Gap> gaps = {};
  std::vector<Mark> marks = {};

  std::string name() const { return is_open ? OpenName(facts.index) : ClosedName(facts); }
  // The gap that `sequence` is in; null if none.
  const Gap* FindGap(uint64_t sequence) const;
  // The last mark that is not behind `sequence`; null if none.
  const Mark* FindMark(uint64_t sequence) const;
  // Merged with its neighbours. Of too many gaps it keeps one over all.
  void AddGap(const Gap& gap);
  // Kept only if it is well behind the last one.
  void AddMark(const Mark& mark);
};

// A file that cannot be read and was set aside.
struct AsideFile {
  std::string name;
  uint64_t bytes = 0;
};

// All files of one channel, oldest first.
//
// Thread safety: none; its owner's mutex.
class Catalog {
 public:
  Catalog() = default;
  Catalog(std::deque<SegmentFile> files, std::deque<AsideFile> aside);

  bool empty() const { return files_.empty(); }
  uint64_t bytes() const { return bytes_; }
  uint64_t records() const { return records_; }
  const std::deque<SegmentFile>& files() const { return files_; }
  const std::deque<AsideFile>& aside() const { return aside_; }

  // The file where `sequence` is, or would be: it ends not before that. Null:
  // all that there is of this epoch ends before it.
  SegmentFile* Find(uint64_t epoch, uint64_t sequence);
  SegmentFile* FindIndex(uint32_t index);
  // Whether an older file of the same epoch is there.
  bool HasEarlier(const SegmentFile& file) const;
  bool Uses(uint64_t schema_id) const;

  // What files say when they are put one behind the other.
  std::vector<hub::HistoryEpoch> Epochs() const;
  std::optional<hub::Cursor> Oldest() const;
  // In front of the first file that was written to since; of the oldest file,
  // in front of what was there before it.
  std::optional<hub::Cursor> Since(uint64_t unix_ns) const;

  void Add(SegmentFile file);
  // The newest file has grown, or has its last name.
  void UpdateNewest(const SegmentFacts& facts, uint64_t bytes, uint64_t newest_ns, bool is_open);
  void RemoveOldestAside();
  void Remove(uint32_t index);
  // Readers do not find what is hidden. False: it was so already.
  bool SetHidden(uint32_t index, bool is_hidden);
  // Files that were found too late for readers to know of: they only count, and
  // go first.
  void Adopt(const Catalog& older);

 private:
  std::deque<SegmentFile> files_;
  std::deque<AsideFile> aside_;
  uint64_t bytes_ = 0;
  uint64_t records_ = 0;
};

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_CATALOG_H_
