// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/decode.h"

#include <string>

#include "bridge/netlink/spec/byte_text.h"
#include "bridge/netlink/spec/encode.h"
#include "gtest/gtest.h"
#include "netlink_testing.h"

namespace kchan::netlink {
namespace {

constexpr char kSpec[] = R"(
name: it
definitions:
  - {name: color, type: enum, value-start: 5, entries: [red, green]}
  - {name: perm, type: flags, entries: [read, write, exec]}
  - {name: point, type: struct, members: [
      {name: x, type: s16}, {name: hole, type: pad, len: 2},
      {name: y, type: u32, byte-order: big-endian}]}
  - {name: head, type: struct, members: [{name: index, type: u32}, {name: size, type: u8}]}
sub-messages:
  - {name: kinds, formats: [{value: plain, fixed-header: point},
      {value: rich, fixed-header: head, attribute-set: inner}, {value: void}]}
attribute-sets:
  - name: inner
    attributes: [{name: id, type: u32}, {name: deep, type: nest, nested-attributes: inner}]
  - name: tree
    attributes: [{name: list, type: indexed-array, sub-type: nest, nested-attributes: tree, value: 21}]
  - name: main
    attributes:
      - {name: num, type: u16, byte-order: big-endian}     # 1
      - {name: big, type: u64}                             # 2
      - {name: var, type: sint}                            # 3
      - {name: text, type: string}                         # 4
      - {name: color, type: u8, enum: color}               # 5
      - {name: perm, type: u32, enum: perm}                # 6
      - {name: many, type: u8, multi-attr: true}           # 7
      - {name: where, type: binary, struct: point}         # 8
      - {name: on, type: flag}                             # 9
      - {name: mask, type: bitfield32, enum: perm}         # 10
      - {name: nest, type: nest, nested-attributes: inner} # 11
      - {name: list, type: indexed-array, sub-type: nest, nested-attributes: inner} # 12
      - {name: kind, type: string}                         # 13
      - {name: body, type: sub-message, sub-message: kinds, selector: kind}         # 14
      - {name: addr, type: binary, display-hint: ipv6}     # 15
      - {name: hole, type: pad}                            # 16
      - {name: nums, type: indexed-array, sub-type: u32}   # 17
      - {name: size, type: u64}                            # 18
      - {name: path, type: nest-type-value, type-value: [a, b], nested-attributes: inner} # 19
      - {name: array, type: binary, sub-type: s16}         # 20
      - {name: hex, type: u32, display-hint: hex}          # 21
      - {name: ip, type: u32, byte-order: big-endian, display-hint: ipv4} # 22
operations:
  list:
    - {name: get, attribute-set: main, do: {request: {}, reply: {}}}
    - {name: headed, attribute-set: main, fixed-header: head, do: {request: {}, reply: {}}}
)";

class DecodeTest : public testing::Test {
 protected:
  std::string Decoded(const std::string& bytes, const char* operation = "get") const {
    return Text(Decode(spec_->FindOperation(operation)->layout, AsBytes(bytes)));
  }

  const std::shared_ptr<const Spec> spec_ = ParseOrDie(kSpec);
};

TEST_F(DecodeTest, IntegersAreOfTheirSizeAndOrder) {
  EXPECT_EQ(Decoded(Attr(1, Bytes("0102"))), "{num: 258}");
  EXPECT_EQ(Decoded(Attr(2, Bytes("ffffffffffff1f00"))), "{big: 9007199254740991}");
  EXPECT_EQ(Decoded(Attr(2, Bytes("0100000000002000"))), R"({big: "9007199254740993"})");
  EXPECT_EQ(Decoded(Attr(3, Bytes("feffffff"))), "{var: -2}");
  EXPECT_EQ(Decoded(Attr(3, Bytes("feffffffffffffff"))), "{var: -2}");
  EXPECT_EQ(Decoded(Attr(3, Bytes("0000000000000080"))), R"({var: "-9223372036854775808"})");
  EXPECT_EQ(Decoded(Attr(21, Bytes("00010000"))), R"({hex: "0x100"})");
  EXPECT_EQ(Decoded(Attr(22, Bytes("0a000001"))), R"({ip: "10.0.0.1"})");
}

TEST_F(DecodeTest, TheAttributesOwnByteOrderCounts) {
  std::string attribute = Attr(2, Bytes("0000000000000007"));
  attribute[3] |= 0x40;  // NLA_F_NET_BYTEORDER
  EXPECT_EQ(Decoded(attribute), "{big: 7}");
}

TEST_F(DecodeTest, NamesAndFlagsAreThoseOfTheSpecAndTheRestAreNumbers) {
  EXPECT_EQ(Decoded(Attr(5, Bytes("06"))), R"({color: "green"})");
  EXPECT_EQ(Decoded(Attr(5, Bytes("09"))), "{color: 9}");
  EXPECT_EQ(Decoded(Attr(6, Bytes("05000000"))), R"({perm: ["read", "exec"]})");
  EXPECT_EQ(Decoded(Attr(6, Bytes("02010000"))), R"({perm: ["write", 256]})");
  EXPECT_EQ(Decoded(Attr(6, Bytes("00000000"))), "{perm: []}");
  EXPECT_EQ(Decoded(Attr(10, Bytes("01000000 03000000"))),
            R"({mask: {selector: ["read", "write"], value: ["read"]}})");
}

TEST_F(DecodeTest, StringsEndAtTheirNulAndMayBeNoText) {
  EXPECT_EQ(Decoded(Attr(4, Bytes("616200"))), R"({text: "ab"})");
  EXPECT_EQ(Decoded(Attr(4, Bytes("6162"))), R"({text: "ab"})");
  EXPECT_EQ(Decoded(Attr(4, "")), R"({text: ""})");
  EXPECT_EQ(Decoded(Attr(4, Bytes("61006200"))), R"({text: {@bytes: "61006200"}})");
  EXPECT_EQ(Decoded(Attr(4, Bytes("ff00"))), R"({text: {@bytes: "ff00"}})");
}

TEST_F(DecodeTest, OnlyAMultiAttributeMayBeThereMoreThanOnce) {
  EXPECT_EQ(Decoded(Attr(7, Bytes("01")) + Attr(7, Bytes("02"))), "{many: [1, 2]}");
  EXPECT_EQ(Decoded(Attr(5, Bytes("05")) + Attr(5, Bytes("06"))),
            R"({@raw: [{bytes: "06", name: "color", type: 5, why: "there more than once"}], )"
            R"(color: "red"})");
}

TEST_F(DecodeTest, StructuresMayBeLongerOrShorterThanTheSpecKnows) {
  EXPECT_EQ(Decoded(Attr(8, Bytes("ffff 0000 00000102"))), "{where: {x: -1, y: 258}}");
  EXPECT_EQ(Decoded(Attr(8, Bytes("ffff 0000 0000"))), "{where: {x: -1}}");
  EXPECT_EQ(Decoded(Attr(8, Bytes("ffff 0000 00000102 0a0b"))),
            R"({where: {@rest: "0a0b", x: -1, y: 258}})");
}

TEST_F(DecodeTest, UnknownAttributesStayRawAndAGuessIsCalledOne) {
  EXPECT_EQ(Decoded(Attr(99, Bytes("07"))),
            R"({@raw: [{bytes: "07", type: 99, why: "not in the spec"}]})");
  EXPECT_EQ(Decoded(Attr(99, Attr(1, Bytes("07000000")))),
            R"({@raw: [{bytes: "0800010007000000", guess: [{bytes: "07000000", type: 1}], )"
            R"(type: 99, why: "not in the spec"}]})");
  std::string nested = Attr(99, Attr(1, Bytes("07000000")));
  nested[3] |= static_cast<char>(0x80);  // NLA_F_NESTED: no guess
  EXPECT_EQ(Decoded(nested), R"({@raw: [{attributes: [{bytes: "07000000", type: 1}], )"
                             R"(type: 99, why: "not in the spec"}]})");
}

TEST_F(DecodeTest, WhatIsNotOfItsTypeStaysRaw) {
  EXPECT_EQ(Decoded(Attr(1, Bytes("01"))),
            R"({@raw: [{bytes: "01", name: "num", type: 1, why: "1 bytes are no u16"}]})");
  EXPECT_EQ(Decoded(Attr(9, Bytes("01"))),
            R"({@raw: [{bytes: "01", name: "on", type: 9, why: "1 bytes are no flag"}]})");
  EXPECT_EQ(Decoded(Attr(20, Bytes("010203"))),
            R"({@raw: [{bytes: "010203", name: "array", type: 20, )"
            R"(why: "3 bytes are no array of s16"}]})");
  EXPECT_EQ(Decoded(Attr(16, "")), "{}") << "padding is nothing";
  EXPECT_EQ(Decoded(Attr(16, Bytes("01"))),
            R"({@raw: [{bytes: "01", name: "hole", type: 16, why: "the spec has it as pad"}]})");
}

TEST_F(DecodeTest, TruncatedAttributesAreWhatTheyAre) {
  const std::string attribute = Attr(5, Bytes("06"));
  EXPECT_EQ(Decoded(attribute.substr(0, 5)), R"({color: "green"})") << "without its padding";
  EXPECT_EQ(Decoded(attribute.substr(0, 4)),
            R"({@raw: [{bytes: "05000500", why: "no attribute"}]})");
  EXPECT_EQ(Decoded(Bytes("0300 0100")), R"({@raw: [{bytes: "03000100", why: "no attribute"}]})");
  EXPECT_EQ(Decoded(attribute + "x"),
            R"({@raw: [{bytes: "78", why: "no attribute"}], color: "green"})");
  EXPECT_EQ(Decoded(""), "{}");
}

TEST_F(DecodeTest, AnIndexIsToldWhereItIsNotThePlace) {
  EXPECT_EQ(Decoded(Attr(12, Attr(1, Attr(1, Bytes("07000000"))) + Attr(2, ""))),
            "{list: [{id: 7}, {}]}");
  EXPECT_EQ(Decoded(Attr(12, Attr(0, "") + Attr(9, ""))), "{list: [{@index: 0}, {@index: 9}]}");
  EXPECT_EQ(Decoded(Attr(17, Attr(1, Bytes("07000000")) + Attr(9, Bytes("08000000")))),
            "{nums: [7, {@index: 9, @value: 8}]}");
}

TEST_F(DecodeTest, TheNumbersOfNestTypeValueAreValues) {
  EXPECT_EQ(Decoded(Attr(19, Attr(300, Attr(2, Attr(1, Bytes("07000000")))))),
            "{path: {a: 300, b: 2, id: 7}}");
  EXPECT_EQ(Decoded(Attr(19, Attr(1, "") + Attr(2, ""))),
            R"({@raw: [{bytes: "0400010004000200", guess: [{bytes: "", type: 1}, )"
            R"({bytes: "", type: 2}], name: "path", type: 19, )"
            R"(why: "not one attribute in each nest"}]})");
}

TEST_F(DecodeTest, ASubMessageIsOfTheFormatThatItsSelectorSays) {
  const std::string point = Bytes("0100 0000 00000002");
  EXPECT_EQ(Decoded(Attr(13, "plain") + Attr(14, point)), R"({body: {x: 1, y: 2}, kind: "plain"})");
  // Also if the selector comes behind it.
  EXPECT_EQ(Decoded(Attr(14, point) + Attr(13, "plain")), R"({body: {x: 1, y: 2}, kind: "plain"})");
  EXPECT_EQ(
      Decoded(Attr(13, "rich") + Attr(14, Bytes("05000000 01000000") + Attr(1, point.substr(4)))),
      R"({body: {id: 33554432, index: 5, size: 1}, kind: "rich"})");
  EXPECT_EQ(Decoded(Attr(13, "void") + Attr(14, "")), R"({body: {}, kind: "void"})");
  EXPECT_EQ(Decoded(Attr(14, Bytes("07"))), R"({@raw: [{bytes: "07", name: "body", type: 14, )"
                                            R"(why: "there is no 'kind' that says its format"}]})");
  EXPECT_EQ(Decoded(Attr(13, "new") + Attr(14, Bytes("07"))),
            R"({@raw: [{bytes: "07", name: "body", type: 14, )"
            R"(why: "no format of kinds for kind 'new'"}], kind: "new"})");
}

TEST_F(DecodeTest, TheFixedHeaderComesFirstAndIsAligned) {
  // Attribute 'size' has the name of a member.
  EXPECT_EQ(Decoded(Bytes("05000000 01000000") + Attr(18, Bytes("0900000000000000")), "headed"),
            "{@header: {size: 1}, index: 5, size: 9}");
  EXPECT_EQ(Decoded(Bytes("05000000 01"), "headed"), "{@header: {size: 1}, index: 5}");
  EXPECT_EQ(Decoded(Bytes("0500"), "headed"),
            R"({@raw: [{bytes: "0500", why: "shorter than head"}]})");
}

TEST_F(DecodeTest, NestsAreBounded) {
  std::string bytes = Attr(1, Bytes("07000000"));
  for (int i = 0; i < 200; ++i) bytes = Attr(2, bytes);
  const std::string text = Decoded(Attr(11, bytes));
  EXPECT_NE(text.find("nested too deep"), std::string::npos);
  EXPECT_LT(text.size(), 20000U);
}

// Protobuf reads at most 100 messages in each other.
TEST_F(DecodeTest, TheDeepestMessageCanBeSentAndRead) {
  std::string raw = Attr(1, Bytes("07000000"));
  for (int i = 0; i < 100; ++i) raw = Attr(99, raw);
  std::string bytes = raw;
  for (int i = 0; i < 100; ++i) {
    bytes = Attr(21, Attr(3, bytes) + Attr(4, raw.substr(0, 100)));
    google::protobuf::Struct read;
    const auto decoded = Decode({nullptr, spec_->FindAttributeSet("tree")}, AsBytes(bytes));
    ASSERT_TRUE(read.ParseFromString(decoded.SerializeAsString())) << i;
  }
}

TEST_F(DecodeTest, AddressesAreOfEitherKind) {
  EXPECT_EQ(Decoded(Attr(15, Bytes("0a000001"))), R"({addr: "10.0.0.1"})");
  EXPECT_EQ(Decoded(Attr(15, Bytes("fd000000000000000000000000000001"))), R"({addr: "fd00::1"})");
  EXPECT_EQ(Decoded(Attr(15, Bytes("0a0b"))), R"({addr: "0a0b"})") << "no address of this length";
}

TEST_F(DecodeTest, WhatIsRawIsEncodedAgain) {
  const Layout& layout = spec_->FindOperation("get")->layout;
  std::string nested = Attr(98, Attr(1, "x"));
  nested[3] |= static_cast<char>(0x80);
  const std::string bytes =
      Attr(5, Bytes("05")) + Attr(1, Bytes("01")) + nested + Attr(99, Attr(3, "abcd")) + "xy";
  const auto again = Encode(layout, Decode(layout, AsBytes(bytes)));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(HexText(*again), HexText(bytes));
}

}  // namespace
}  // namespace kchan::netlink
