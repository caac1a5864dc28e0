// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_KERNEL_GUEST_FRAMES_H_
#define KCHAN_TESTS_KERNEL_GUEST_FRAMES_H_

#include <gtest/gtest.h>
#include <linux/kchan.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace kchan::guest {

// What a frame with a payload of `length` bytes takes.
constexpr size_t FrameBytes(size_t length) {
  return (sizeof(kchan_frame) + length + KCHAN_RECORD_ALIGN - 1) / KCHAN_RECORD_ALIGN *
         KCHAN_RECORD_ALIGN;
}

// A frame as user space makes it.
inline std::string MakeFrame(uint16_t type, std::string_view payload) {
  kchan_frame header{};
  header.magic = KCHAN_FRAME_MAGIC;
  header.length = static_cast<uint32_t>(payload.size());
  header.type = type;
  std::string frame(FrameBytes(payload.size()), '\0');
  std::memcpy(frame.data(), &header, sizeof(header));
  std::memcpy(frame.data() + sizeof(header), payload.data(), payload.size());
  return frame;
}

// Follows the frames of one stream of a testbed channel the way a client must,
// whose records carry the count of the attempt that made them: in one stream
// where all attempts of the channel are written, that is the frame's number.
struct FrameFollower {
  uint64_t sequence = 0;  // used up so far
  uint64_t received = 0;
  uint64_t lost = 0;
  uint64_t told = 0;  // of these, by KCHAN_FRAME_LOST
  bool numbers_are_counters = true;

  // Takes whole frames; a rest that is no frame fails the test.
  void Take(std::string_view bytes) {
    while (!bytes.empty()) {
      kchan_frame header;
      ASSERT_GE(bytes.size(), sizeof(header)) << "torn header behind number " << sequence;
      std::memcpy(&header, bytes.data(), sizeof(header));
      ASSERT_EQ(header.magic, KCHAN_FRAME_MAGIC) << "behind number " << sequence;
      ASSERT_GE(bytes.size(), FrameBytes(header.length)) << "torn behind number " << sequence;
      ASSERT_NO_FATAL_FAILURE(TakeFrame(header, bytes.substr(sizeof(header), header.length)));
      bytes.remove_prefix(FrameBytes(header.length));
    }
  }

 private:
  void TakeFrame(const kchan_frame& header, std::string_view payload) {
    ASSERT_GT(header.sequence, sequence) << "doubled";
    if (header.type == KCHAN_FRAME_LOST) {
      ASSERT_EQ(header.length, 0u);
      told += header.sequence - sequence;
      lost += header.sequence - sequence;
    } else {
      lost += header.sequence - sequence - 1;
      received++;
      uint64_t counter = 0;
      ASSERT_GE(payload.size(), sizeof(counter));
      std::memcpy(&counter, payload.data(), sizeof(counter));
      if (numbers_are_counters) {
        ASSERT_EQ(counter, header.sequence);
      }
      ASSERT_EQ(payload.find_first_not_of('\0', sizeof(counter)), std::string_view::npos)
          << "torn payload in number " << header.sequence;
    }
    sequence = header.sequence;
  }
};

}  // namespace kchan::guest

#endif  // KCHAN_TESTS_KERNEL_GUEST_FRAMES_H_
