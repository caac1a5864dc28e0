// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/frame_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/source/frame_testing.h"

namespace kchan::testing {
namespace {

using source::Frame;
using source::FrameParser;

using Seen = std::vector<std::pair<uint64_t, std::string>>;

void Feed(FrameParser& parser, std::string_view bytes, Seen* seen, size_t portion) {
  while (!bytes.empty()) {
    const auto room = parser.Room();
    const size_t size = std::min({portion, bytes.size(), room.size()});
    ASSERT_GT(size, 0u);
    bytes.copy(reinterpret_cast<char*>(room.data()), size);
    parser.Filled(size);
    bytes.remove_prefix(size);
    while (const auto frame = parser.Next()) {
      seen->emplace_back(
          frame->sequence,
          std::string(reinterpret_cast<const char*>(frame->payload.data()), frame->payload.size()));
    }
  }
}

Seen Parse(std::string_view bytes, size_t portion = 1 << 16) {
  FrameParser parser;
  Seen seen;
  Feed(parser, bytes, &seen, portion);
  return seen;
}

TEST(FrameParserTest, EveryPortionGivesTheSameFrames) {
  const std::string bytes = FrameText(1, "a") + FrameText(2, "") + FrameText(3, "12345678") +
                            FrameText(4, std::string(1000, 'x'));
  const Seen all = {{1, "a"}, {2, ""}, {3, "12345678"}, {4, std::string(1000, 'x')}};
  for (const size_t portion : {1u, 3u, 31u, 32u, 33u, 4096u}) EXPECT_EQ(Parse(bytes, portion), all);
}

TEST(FrameParserTest, AHeaderSaysWhatTheRecordIs) {
  const std::string bytes = FrameText(7, "p", 3, 5);
  FrameParser parser;
  const auto room = parser.Room();
  bytes.copy(reinterpret_cast<char*>(room.data()), bytes.size());
  parser.Filled(bytes.size());
  const auto frame = parser.Next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->header.type, 3u);
  EXPECT_EQ(frame->header.cpu, 5u);
  EXPECT_EQ(frame->header.boottime_ns, 7000u);
  EXPECT_FALSE(frame->is_lost());
  EXPECT_EQ(parser.pending_bytes(), 0u);
}

TEST(FrameParserTest, TheLongestFrameFits) {
  const std::string payload(KCHAN_MAX_RECORD_BYTES, 'y');
  const std::string bytes = FrameText(1, "a") + FrameText(2, payload) + FrameText(3, payload) +
                            FrameText(4, payload) + FrameText(5, payload) + FrameText(6, "z");
  const Seen seen = Parse(bytes, 1 << 20);
  ASSERT_EQ(seen.size(), 6u);
  EXPECT_EQ(seen.back(), (std::pair<uint64_t, std::string>(6, "z")));
}

TEST(FrameParserTest, GarbageIsSkippedUpToTheNextMagic) {
  const std::string garbage = "this is no frame at all";
  for (const size_t portion : {1u, 7u, 4096u}) {
    EXPECT_EQ(Parse(FrameText(1, "a") + garbage + FrameText(2, "b"), portion),
              (Seen{{1, "a"}, {2, "b"}}));
  }
}

TEST(FrameParserTest, AMagicInGarbageIsNotBelieved) {
  std::string too_long = FrameText(9, "lie");
  const uint32_t length = KCHAN_MAX_RECORD_BYTES + 1;
  std::memcpy(too_long.data() + 4, &length, sizeof(length));
  EXPECT_EQ(Parse(too_long + FrameText(2, "b")), (Seen{{2, "b"}}));

  std::string padded = FrameText(9, "lie");
  padded.back() = 'x';
  EXPECT_EQ(Parse(padded + FrameText(2, "b")), (Seen{{2, "b"}}));

  std::string lost_with_payload = FrameText(9, "12345678", KCHAN_FRAME_LOST);
  EXPECT_EQ(Parse(lost_with_payload + FrameText(2, "b")), (Seen{{2, "b"}}));
}

TEST(FrameParserTest, WhatIsSkippedIsCounted) {
  FrameParser parser;
  Seen seen;
  Feed(parser, std::string(100, 'g') + FrameText(1, "a"), &seen, 4096);
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_EQ(parser.skipped_bytes(), 100u);
}

TEST(FrameParserTest, AnEndInTheMiddleWaitsForTheRest) {
  const std::string frame = FrameText(1, "payload");
  for (size_t cut = 0; cut < frame.size(); ++cut) {
    FrameParser parser;
    Seen seen;
    Feed(parser, frame.substr(0, cut), &seen, 4096);
    EXPECT_TRUE(seen.empty()) << cut;
    EXPECT_EQ(parser.pending_bytes(), cut);
    Feed(parser, frame.substr(cut), &seen, 4096);
    EXPECT_EQ(seen.size(), 1u) << cut;
  }
}

}  // namespace
}  // namespace kchan::testing
