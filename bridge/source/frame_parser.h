// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_FRAME_PARSER_H_
#define KCHAN_BRIDGE_SOURCE_FRAME_PARSER_H_

#include <linux/kchan.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bridge/hub/record.h"

namespace kchan::source {

// One record, or (is_lost) the news that all numbers up to `sequence` are used
// up; struct kchan_frame documents both.
struct Frame {
  hub::RecordHeader header;
  uint64_t sequence = 0;
  std::span<const std::byte> payload = {};  // in the parser's buffer

  bool is_lost() const { return header.type == KCHAN_FRAME_LOST; }
};

// What a payload of `length` bytes takes.
constexpr size_t FrameBytes(size_t length) {
  return (sizeof(kchan_frame) + length + KCHAN_RECORD_ALIGN - 1) / KCHAN_RECORD_ALIGN *
         KCHAN_RECORD_ALIGN;
}

// Finds the frames in a stream of bytes that come in any portions:
//
//   parser.Filled(read(fd, parser.Room()...));
//   while (auto frame = parser.Next()) ...;
//
// Nothing is believed: what cannot be a frame is skipped, up to the next magic
// number. Which records were in there is seen by their numbers.
//
// Thread safety: one thread at a time.
class FrameParser {
 public:
  // Several of the longest frame.
  static constexpr size_t kBufferBytes = 256 << 10;

  FrameParser() : buffer_(kBufferBytes) {}

  // Where the next bytes go. Once Next() has said nothing there is room for
  // the longest frame at least. Invalidates payloads.
  std::span<std::byte> Room();
  void Filled(size_t bytes) { end_ += bytes; }

  // The next whole frame. Nothing: it needs more bytes.
  std::optional<Frame> Next();

  // Forgets what is not a frame yet.
  void Reset() { begin_ = end_ = 0; }
  // How many bytes wait for the rest of their frame.
  size_t pending_bytes() const { return end_ - begin_; }
  // How many bytes were no frame, ever.
  uint64_t skipped_bytes() const { return skipped_bytes_; }

 private:
  std::span<const std::byte> rest() const {
    return std::span(buffer_).subspan(begin_, end_ - begin_);
  }
  // To where a frame may begin, one byte further at least.
  void Skip();

  std::vector<std::byte> buffer_;
  size_t begin_ = 0;  // of what was not given out
  size_t end_ = 0;
  uint64_t skipped_bytes_ = 0;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_FRAME_PARSER_H_
