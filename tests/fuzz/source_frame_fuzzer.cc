// SPDX-License-Identifier: Apache-2.0
// A file of frames holds anything, and comes in any portions: what is taken for
// a frame lies within what was given, and no byte is taken twice.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "bridge/source/frame_parser.h"

namespace {

using kchan::source::FrameBytes;
using kchan::source::FrameParser;

void Check(bool is_true) {
  if (!is_true) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t portion = size_t{data[0]} + 1;
  std::span<const uint8_t> rest(data + 1, size - 1);
  const uint64_t given = rest.size();
  uint64_t in_frames = 0;
  FrameParser parser;
  while (!rest.empty()) {
    const std::span<std::byte> room = parser.Room();
    const size_t bytes = std::min({portion, rest.size(), room.size()});
    Check(bytes != 0);
    std::memcpy(room.data(), rest.data(), bytes);
    parser.Filled(bytes);
    rest = rest.subspan(bytes);
    while (const auto frame = parser.Next()) {
      Check(frame->payload.size() <= KCHAN_MAX_RECORD_BYTES);
      Check(!frame->is_lost() || frame->payload.empty());
      uint8_t sum = 0;
      for (const std::byte byte : frame->payload) sum ^= static_cast<uint8_t>(byte);
      [[maybe_unused]] static volatile uint8_t sink;
      sink = sum;
      in_frames += FrameBytes(frame->payload.size());
    }
  }
  Check(in_frames + parser.skipped_bytes() + parser.pending_bytes() == given);
  return 0;
}
