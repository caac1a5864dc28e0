// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_SOURCE_FRAME_TESTING_H_
#define KCHAN_TESTS_UNIT_SOURCE_FRAME_TESTING_H_

#include <linux/kchan.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "bridge/source/frame_parser.h"

namespace kchan::testing {

// A frame's bytes, as the kernel writes them.
inline std::string FrameText(uint64_t sequence, std::string_view payload, uint16_t type = 1,
                             uint32_t cpu = 0) {
  kchan_frame header = {};
  header.magic = KCHAN_FRAME_MAGIC;
  header.length = static_cast<uint32_t>(payload.size());
  header.type = type;
  header.cpu = cpu;
  header.boottime_ns = sequence * 1000;
  header.sequence = sequence;
  std::string bytes(source::FrameBytes(payload.size()), '\0');
  std::memcpy(bytes.data(), &header, sizeof(header));
  payload.copy(bytes.data() + sizeof(header), payload.size());
  return bytes;
}

// Numbers up to `sequence` are used up.
inline std::string LostText(uint64_t sequence) { return FrameText(sequence, "", KCHAN_FRAME_LOST); }

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_UNIT_SOURCE_FRAME_TESTING_H_
