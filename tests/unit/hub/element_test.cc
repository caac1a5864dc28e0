// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/element.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/unit/hub/log_testing.h"

namespace kchan::hub {
namespace {

using testing::Decode;
using testing::Seen;

std::vector<std::byte> Encoded(uint64_t sequence, const RecordHeader& header,
                               const std::string& payload) {
  const RecordSize size = SizeOfRecord(header, payload.size());
  std::vector<std::byte> bytes(size.element);
  std::byte* end =
      PutRecord(bytes.data(), size, sequence, header, std::as_bytes(std::span(payload)));
  EXPECT_EQ(end, bytes.data() + bytes.size());
  return bytes;
}

std::vector<std::byte> Encoded(const Loss& loss) {
  std::vector<std::byte> bytes(SizeOfLoss(loss));
  EXPECT_EQ(PutLoss(bytes.data(), loss), bytes.data() + bytes.size());
  return bytes;
}

TEST(ElementTest, VarintsAreAsLongAsTheySay) {
  for (int bits = 0; bits <= 64; ++bits) {
    const uint64_t largest = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    const uint64_t smallest = bits == 0 ? 0 : uint64_t{1} << (bits - 1);
    for (const uint64_t value : {smallest, largest}) {
      std::byte bytes[16];
      EXPECT_EQ(wire::PutVarint(bytes, value) - bytes, wire::VarintSize(value)) << value;
    }
  }
}

TEST(ElementTest, RecordsOfEverySizeAreAsLongAsTheySay) {
  // 127 | 128 and 16383 | 16384 are where a varint grows.
  for (const size_t bytes :
       {0, 1, 7, 100, 101, 104, 105, 106, 127, 128, 129, 16'356, 16'357, 16'383, 16'384, 65'536}) {
    for (const uint32_t number : {0u, 1u, 127u, 128u, 65'535u}) {
      const RecordHeader header{.boottime_ns = ~0ull - bytes, .cpu = number, .type = number};
      const std::string payload(bytes, 'x');
      const std::vector<std::byte> element = Encoded(bytes + 1, header, payload);
      const std::vector<Seen> seen = Decode(element);
      ASSERT_EQ(seen.size(), 1u);
      EXPECT_TRUE(seen[0].is_record);
      EXPECT_EQ(seen[0].first, bytes + 1);
      EXPECT_EQ(seen[0].boottime_ns, header.boottime_ns);
      EXPECT_EQ(seen[0].cpu, number);
      EXPECT_EQ(seen[0].type, number);
      EXPECT_EQ(seen[0].payload, payload);

      const auto parsed = ParseElement(element);
      ASSERT_TRUE(parsed.has_value());
      EXPECT_TRUE(parsed->is_record);
      EXPECT_EQ(parsed->bytes, element.size());
      EXPECT_EQ(parsed->numbers, 1u);
    }
  }
}

TEST(ElementTest, LossesComeBackAsTheyWere) {
  for (const uint64_t count :
       {uint64_t{1}, uint64_t{127}, uint64_t{128}, std::numeric_limits<uint64_t>::max() / 2}) {
    const Loss loss{.first_sequence = 300,
                    .count = count,
                    .stage = LossStage::kKernelRing,
                    .cpu = 200,
                    .cause = "ring full"};
    const std::vector<std::byte> element = Encoded(loss);
    const std::vector<Seen> seen = Decode(element);
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen[0].cause, "ring full");
    const auto parsed = ParseElement(element);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_FALSE(parsed->is_record);
    EXPECT_EQ(parsed->numbers, count);
    const Loss back = ParseLoss(*parsed);
    EXPECT_EQ(back.first_sequence, 300u);
    EXPECT_EQ(back.count, count);
    EXPECT_EQ(back.stage, LossStage::kKernelRing);
    EXPECT_EQ(back.cpu, 200u);
  }
}

TEST(ElementTest, LossOnCpuZeroIsNotLossOnNoCpu) {
  const std::vector<Seen> zero = Decode(Encoded({.first_sequence = 1, .count = 1, .cpu = 0}));
  const std::vector<Seen> none = Decode(Encoded({.first_sequence = 1, .count = 1}));
  EXPECT_TRUE(zero.at(0).has_cpu);
  EXPECT_FALSE(none.at(0).has_cpu);
}

TEST(ElementTest, EveryTruncationIsRefused) {
  for (const std::vector<std::byte>& whole :
       {Encoded(7, {.boottime_ns = 1, .cpu = 2, .type = 3}, std::string(300, 'x')),
        Encoded(Loss{.first_sequence = 1, .count = 2, .cause = "c"})}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(ParseElement(std::span(whole).first(size)).has_value()) << size;
    }
  }
}

TEST(ElementTest, ForeignBytesAreRefused) {
  const std::vector<std::byte> wrong_tag{std::byte{0x1a}, std::byte{0}};
  EXPECT_FALSE(ParseElement(wrong_tag).has_value());
  // A length that never ends.
  std::vector<std::byte> endless(20, std::byte{0xff});
  endless[0] = std::byte{0x0a};
  EXPECT_FALSE(ParseElement(endless).has_value());
}

}  // namespace
}  // namespace kchan::hub
