// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_SEGMENT_WRITER_H_
#define KCHAN_BRIDGE_SPOOL_SEGMENT_WRITER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bridge/spool/files.h"
#include "bridge/spool/format.h"
#include "bridge/spool/segment_name.h"

namespace kchan::spool {

// Writes one segment file of a channel's folder, frame by frame. What is in it
// at any moment is whole frames and at most one torn one at its end.
//
// Thread safety: none. Lifetime: `files` outlives it. Left without Close(), the
// file is what a crash would leave.
class SegmentWriter {
 public:
  // Makes the file. Null, with a negative errno in `error`, and no file, if that
  // fails. `header.salt` is given a value.
  static std::unique_ptr<SegmentWriter> Create(Files& files, const std::string& folder,
                                               uint32_t index, SegmentHeader header, int& error);

  // Appends consecutive elements, which end at `last_sequence`. A negative
  // errno: nothing was appended.
  int Append(uint64_t first_sequence, uint64_t last_sequence,
             std::span<const std::span<const std::byte>> parts, uint64_t unix_ns);
  int Sync();

  // Gives it its last name; an empty one goes. Once is_closed(), it is. A
  // negative errno: something of it did not work.
  int Close(bool sync);
  bool is_closed() const { return is_closed_; }

  const SegmentFacts& facts() const { return facts_; }
  const SegmentHeader& header() const { return header_; }
  uint64_t bytes() const { return bytes_; }
  bool is_empty() const { return frames_ == 0; }
  uint64_t first_unix_ns() const { return header_.unix_ns; }

 private:
  SegmentWriter(Files& files, std::string folder, OpenFile file, SegmentHeader header);

  Files& files_;
  const std::string folder_;
  OpenFile file_;
  const SegmentHeader header_;
  SegmentFacts facts_;
  uint64_t bytes_ = 0;
  uint64_t frames_ = 0;
  bool is_closed_ = false;
};

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_SEGMENT_WRITER_H_
