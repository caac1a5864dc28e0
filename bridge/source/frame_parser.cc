// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/frame_parser.h"

#include <algorithm>
#include <cstring>

namespace kchan::source {
namespace {

constexpr uint32_t kMagic = KCHAN_FRAME_MAGIC;

bool IsSane(const kchan_frame& frame) {
  if (frame.magic != kMagic || frame.length > KCHAN_MAX_RECORD_BYTES) return false;
  return frame.type != KCHAN_FRAME_LOST || frame.length == 0;
}

bool IsZero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::byte byte) { return byte == std::byte(); });
}

}  // namespace

std::span<std::byte> FrameParser::Room() {
  std::copy(buffer_.begin() + static_cast<ptrdiff_t>(begin_),
            buffer_.begin() + static_cast<ptrdiff_t>(end_), buffer_.begin());
  end_ -= begin_;
  begin_ = 0;
  return std::span(buffer_).subspan(end_);
}

std::optional<Frame> FrameParser::Next() {
  for (;;) {
    const std::span<const std::byte> bytes = rest();
    kchan_frame header;
    if (bytes.size() < sizeof(header)) return std::nullopt;
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (IsSane(header)) {
      const size_t payload_end = sizeof(header) + header.length;
      const size_t frame_end = FrameBytes(header.length);
      if (bytes.size() < frame_end) return std::nullopt;
      if (IsZero(bytes.subspan(payload_end, frame_end - payload_end))) {
        begin_ += frame_end;
        return Frame{
            .header = {.boottime_ns = header.boottime_ns, .cpu = header.cpu, .type = header.type},
            .sequence = header.sequence,
            .payload = bytes.subspan(sizeof(header), header.length)};
      }
    }
    Skip();
  }
}

void FrameParser::Skip() {
  const std::span<const std::byte> behind = rest().subspan(1);
  const auto magic = std::as_bytes(std::span(&kMagic, 1));
  const auto found = std::search(behind.begin(), behind.end(), magic.begin(), magic.end());
  size_t skipped = 1 + static_cast<size_t>(found - behind.begin());
  // Its first bytes may be the last that have come.
  if (found == behind.end()) skipped -= std::min(behind.size(), magic.size() - 1);
  begin_ += skipped;
  skipped_bytes_ += skipped;
}

}  // namespace kchan::source
