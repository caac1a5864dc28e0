// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/format.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "bridge/hub/element.h"
#include "bridge/spool/segment_name.h"

namespace kchan::spool {
namespace {

SegmentHeader Header() {
  return {.epoch = 0xe1,
          .schema_id = 0x51,
          .first_sequence = 7,
          .unix_ns = 3,
          .clock_offset_ns = -4,
          .salt = 0x5a17,
          .after_unseen = true,
          .boot_id = "0f8fad5b-d9cb-469f-a165-70867728950e",
          .node = "node-1",
          .channel = "exec"};
}

std::vector<std::byte> Record(uint64_t sequence) {
  const std::string text = "record " + std::to_string(sequence);
  const auto payload = std::as_bytes(std::span(text));
  const hub::RecordHeader header{.boottime_ns = 1, .cpu = 2, .type = 3};
  const hub::RecordSize size = hub::SizeOfRecord(header, payload.size());
  std::vector<std::byte> bytes(size.element);
  hub::PutRecord(bytes.data(), size, sequence, header, payload);
  return bytes;
}

FrameHeader FrameOf(std::span<const std::byte> payload, uint64_t salt) {
  PayloadCrc crc(salt);
  crc.Add(payload);
  return {.payload_bytes = static_cast<uint32_t>(payload.size()),
          .payload_crc = crc.value(),
          .first_sequence = 7,
          .last_sequence = 7,
          .records = 1,
          .unix_ns = 9};
}

TEST(FormatTest, HeaderComesBackAsItWas) {
  const std::vector<std::byte> bytes = EncodeHeader(Header());
  EXPECT_EQ(bytes.size() % kAlignment, 0u);
  const auto decoded = DecodeHeader(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->header, Header());
  EXPECT_EQ(decoded->bytes, bytes.size());
}

TEST(FormatTest, HeaderWithAnyByteChangedOrMissingIsNone) {
  const std::vector<std::byte> bytes = EncodeHeader(Header());
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(DecodeHeader(std::span(bytes).first(i))) << i;
    std::vector<std::byte> changed = bytes;
    changed[i] ^= std::byte{0x10};
    EXPECT_FALSE(DecodeHeader(changed)) << i;
  }
}

TEST(FormatTest, FrameComesBackAsItWasAndWithAnyBitChangedNotAtAll) {
  const std::vector<std::byte> payload = Record(7);
  const FrameHeader frame = FrameOf(payload, 1);
  const auto bytes = EncodeFrame(frame, 1);
  const auto decoded = DecodeFrame(bytes, 1);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->first_sequence, 7u);
  EXPECT_EQ(decoded->records, 1u);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto changed = bytes;
    changed[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    EXPECT_FALSE(DecodeFrame(changed, 1)) << bit;
  }
}

TEST(FormatTest, FrameOfAnotherFileIsNone) {
  const std::vector<std::byte> payload = Record(7);
  EXPECT_FALSE(DecodeFrame(EncodeFrame(FrameOf(payload, 1), 1), 2));
}

TEST(FormatTest, PayloadIsOnlyWhatTheFrameSays) {
  const std::vector<std::byte> payload = Record(7);
  const FrameHeader frame = FrameOf(payload, 1);
  EXPECT_TRUE(IsPayloadOf(frame, payload, 1));
  EXPECT_FALSE(IsPayloadOf(frame, payload, 2));
  EXPECT_FALSE(IsPayloadOf(frame, std::span(payload).first(payload.size() - 1), 1));

  FrameHeader more_records = frame;
  more_records.records = 2;
  EXPECT_FALSE(IsPayloadOf(more_records, payload, 1));
  FrameHeader more_numbers = frame;
  more_numbers.last_sequence = 8;
  EXPECT_FALSE(IsPayloadOf(more_numbers, payload, 1));
  // A sound record with another one's number.
  const std::vector<std::byte> other = Record(8);
  EXPECT_FALSE(IsPayloadOf(FrameOf(other, 1), other, 1));
}

TEST(SegmentNameTest, NamesComeBackAndAllOthersAreForeign) {
  const SegmentFacts facts{.index = 18,
                           .epoch = 0xe1,
                           .schema_id = 0x51,
                           .first_sequence = 1000,
                           .last_sequence = 5000,
                           .records = 4000,
                           .after_unseen = true};
  EXPECT_EQ(ParseClosedName(ClosedName(facts)), facts);
  EXPECT_EQ(ParseOpenName(OpenName(18)), 18u);
  EXPECT_EQ(ParseSchemaName(SchemaName(0x51)), 0x51u);
  for (const std::string name :
       {"", "lost+found", "00000012", "12.open", "00000012.open.damaged", "00000012.opens",
        "zzzzzzzz.open", "00000012-e1-51-1-2-2-0.spool", ".spool"}) {
    EXPECT_FALSE(ParseClosedName(name)) << name;
    EXPECT_FALSE(ParseOpenName(name)) << name;
  }
  SegmentFacts backwards = facts;
  backwards.last_sequence = 3;
  EXPECT_FALSE(ParseClosedName(ClosedName(backwards)));
}

}  // namespace
}  // namespace kchan::spool
