// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_SEGMENT_READER_H_
#define KCHAN_BRIDGE_SPOOL_SEGMENT_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bridge/spool/files.h"
#include "bridge/spool/format.h"

namespace kchan::spool {

// Reads one segment file, of which it believes nothing. It reads and never
// maps: a file that somebody shortens meanwhile is a short read, not a signal.
//
// Thread safety: none. Lifetime: `files` outlives it.
class SegmentReader {
 public:
  // Of the file's first `bytes`, or all of it. Null, with a negative errno in
  // `error`, if it cannot be opened.
  static std::unique_ptr<SegmentReader> Open(Files& files, const std::string& path, int& error,
                                             std::optional<uint64_t> bytes = std::nullopt);

  // First of all. Nothing: damaged, or error().
  std::optional<DecodedHeader> ReadHeader();

  // The header of the frame at `offset`, all of which is in the file. Nothing:
  // there is none, or error().
  std::optional<FrameHeader> FrameAt(uint64_t offset);
  // Reads the payload of that frame into `to`, which is as long. False: not
  // what the frame says, or error().
  bool ReadPayload(const FrameHeader& frame, uint64_t offset, std::span<std::byte> to);
  // The first offset from `offset` on that has a frame's header; size() if none
  // has.
  uint64_t FindFrame(uint64_t offset);

  uint64_t size() const { return size_; }
  // A negative errno once the disk, not the file's content, was at fault.
  int error() const { return error_; }

 private:
  SegmentReader(Files& files, OpenFile file, uint64_t size)
      : files_(files), file_(std::move(file)), size_(size) {}

  // True if all of `to` was read.
  bool ReadAt(uint64_t offset, std::span<std::byte> to);
  bool FillWindow(uint64_t offset);

  Files& files_;
  const OpenFile file_;
  const uint64_t size_;
  uint64_t salt_ = 0;
  int error_ = 0;
  std::vector<std::byte> window_;  // what was read last
  uint64_t window_offset_ = 0;
};

// One frame and where it is.
struct PlacedFrame {
  FrameHeader header;
  uint64_t offset = 0;
};

// Goes over a file's frames, in order of their numbers, and over what is
// damaged between them.
class FrameWalker {
 public:
  // From `offset` on, where `next_sequence` is expected.
  FrameWalker(SegmentReader& reader, uint64_t offset, uint64_t next_sequence)
      : reader_(reader), offset_(offset), next_sequence_(next_sequence) {}

  // Nothing: the end, or reader.error().
  std::optional<PlacedFrame> Next();

  // Behind the last one given.
  uint64_t offset() const { return offset_; }
  uint64_t next_sequence() const { return next_sequence_; }

 private:
  SegmentReader& reader_;
  uint64_t offset_;
  uint64_t next_sequence_;
};

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_SEGMENT_READER_H_
