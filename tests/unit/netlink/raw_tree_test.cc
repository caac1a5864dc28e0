// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/raw_tree.h"

#include <string>

#include "bridge/netlink/spec/byte_text.h"
#include "gtest/gtest.h"
#include "netlink_testing.h"

namespace kchan::netlink {
namespace {

std::string Nested(uint16_t type, const std::string& payload) {
  return Attr(static_cast<uint16_t>(type | 0x8000), payload);
}

std::string TreeText(const std::string& bytes) {
  google::protobuf::Value value;
  *value.mutable_list_value() = RawTreeToValue(ParseRawTree(AsBytes(bytes)));
  return Text(value);
}

TEST(RawTreeTest, WhatIsMarkedAsNestIsOneAndTheRestIsGuessed) {
  EXPECT_EQ(TreeText(Nested(1, Attr(2, "ab")) + Attr(3, Attr(4, "cd")) + Attr(5, "e")),
            R"([{attributes: [{bytes: "6162", type: 2}], type: 1}, )"
            R"({bytes: "0600040063640000", guess: [{bytes: "6364", type: 4}], type: 3}, )"
            R"({bytes: "65", type: 5}])");
  EXPECT_EQ(TreeText(Nested(1, "")), "[{attributes: [], type: 1}]");
  EXPECT_EQ(TreeText(Nested(1, "x")), R"([{bytes: "78", nested: true, type: 1}])");
}

TEST(RawTreeTest, NoGuessIsMadeOfWhatIsNotWhollyAttributes) {
  EXPECT_EQ(TreeText(Attr(3, Attr(4, "cd") + "x")), R"([{bytes: "060004006364000078", type: 3}])");
  // Attribute 0 is hardly ever one, and zeros often are a number.
  EXPECT_EQ(TreeText(Attr(3, Bytes("04000000"))), R"([{bytes: "04000000", type: 3}])");
}

TEST(RawTreeTest, EveryTreeComesBackAsTheSameBytes) {
  const std::string inner = Attr(2, "ab") + Nested(7, Attr(1, ""));
  for (const std::string& bytes :
       {Attr(1, "x"), Nested(1, inner), Attr(1, inner), Attr(1, inner + "y"), Nested(1, ""),
        Nested(1, "z"), Attr(0x4003, Bytes("00000007")), inner + "rest"}) {
    const RawTree tree = ParseRawTree(AsBytes(bytes));
    EXPECT_EQ(HexText(*EncodeRawTree(tree)), HexText(bytes));
    const auto read = RawTreeFromValue(RawTreeToValue(tree));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(HexText(*EncodeRawTree(*read)), HexText(bytes));
  }
}

TEST(RawTreeTest, DepthIsBounded) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes = Nested(1, bytes);
  EXPECT_EQ(HexText(*EncodeRawTree(ParseRawTree(AsBytes(bytes)))), HexText(bytes));

  RawTree deep;
  for (int i = 0; i < 100; ++i) {
    RawAttribute outer;
    outer.children = deep.attributes;
    deep.attributes = {outer};
  }
  EXPECT_EQ(EncodeRawTree(deep).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(RawTreeTest, WhatIsNoTreeIsToldItsPlace) {
  const auto why = [](const std::string& json) {
    const auto list = Json("{\"it\": " + json + "}").fields().at("it").list_value();
    return std::string(RawTreeFromValue(list).status().message());
  };
  EXPECT_EQ(why(R"([7])"), "[0]: must be an object with 'type'");
  EXPECT_EQ(why(R"([{}])"), "[0]: neither 'type' nor 'bytes'");
  EXPECT_EQ(why(R"([{"type": 1, "attributes": [{"type": -1}]}])"),
            "[0].attributes[0].type: must be a number from 0 to 16383");
  EXPECT_EQ(why(R"([{"type": 1, "bytes": "00", "attributes": [{"type": 2}]}])"),
            "[0]: bytes and attributes: only one of them can be the payload");
  EXPECT_EQ(why(R"([{"bytes": "00"}, {"type": 1}])"), "[1]: behind bytes that are no attribute");
}

}  // namespace
}  // namespace kchan::netlink
