// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_SEGMENT_LOAD_H_
#define KCHAN_BRIDGE_SPOOL_SEGMENT_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bridge/hub/segment.h"
#include "bridge/spool/catalog.h"
#include "bridge/spool/files.h"

// What readers want of one segment file. Both functions read the disk and
// believe nothing that they find.
namespace kchan::spool {

// A segment file as its channel's catalog has it.
struct SegmentView {
  std::string path;
  std::string last_path;  // that it gets when nobody writes to it any more
  SegmentFacts facts;
  uint64_t bytes = 0;
  std::optional<Mark> mark;  // not behind what is wanted
};

struct LoadedChunk {
  // Null: there is nothing; then `gaps` has the number that was wanted, or
  // `error` is set.
  std::shared_ptr<hub::Segment> chunk;
  size_t bytes = 0;
  uint64_t last_sequence = 0;
  std::string boot_id;          // of the records
  int64_t clock_offset_ns = 0;  // ... UTC minus boottime
  std::vector<Gap> gaps;        // learnt on the way
  std::vector<Mark> marks;      // the same
  int error = 0;                // a negative errno: the file cannot be read
};

// Whole frames of about `budget` bytes, from the one that has `sequence` on.
LoadedChunk LoadChunk(Files& files, const SegmentView& view, uint64_t sequence, size_t budget,
                      std::shared_ptr<hub::MemoryUse> use);

struct PassedRecords {
  uint64_t records = 0;
  uint64_t sequence = 0;  // the last number behind
  int error = 0;
};

// Passes `records` records from the file's start on, but no number beyond
// `last_sequence`.
PassedRecords PassRecords(Files& files, const SegmentView& view, uint64_t records,
                          uint64_t last_sequence);

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_SEGMENT_LOAD_H_
