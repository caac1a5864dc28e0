// SPDX-License-Identifier: Apache-2.0
// What a spec may hold, and how it is refused.
#include "bridge/netlink/spec/spec.h"

#include <string>

#include "bridge/netlink/spec/yaml_tree.h"
#include "gtest/gtest.h"
#include "netlink_testing.h"

namespace kchan::netlink {
namespace {

// The least that is a spec, and what comes into it.
std::string With(const std::string& sets, const std::string& definitions = "[]",
                 const std::string& operations = "[]") {
  return "name: it\nprotocol: genetlink-legacy\ndefinitions: " + definitions +
         "\nattribute-sets: " + sets + "\noperations: {list: " + operations + "}\n";
}

std::string WhyNot(const std::string& yaml) {
  const auto spec = Spec::Parse(yaml);
  return spec.ok() ? "it loads" : spec.status().ToString();
}

TEST(SpecTest, WhatIsWrongIsToldWithItsLine) {
  EXPECT_EQ(WhyNot(""), "INVALID_ARGUMENT: 1: there is nothing in it");
  EXPECT_EQ(WhyNot("[1]"),
            "INVALID_ARGUMENT: 1: no netlink spec: it must be a map with 'name' and 'operations'");
  EXPECT_EQ(WhyNot("a: {"), "INVALID_ARGUMENT: 1: no YAML: end of map flow not found");
  EXPECT_EQ(WhyNot("name: it\nname: that\n"), "INVALID_ARGUMENT: 2: the key 'name' is there twice");
  EXPECT_EQ(WhyNot("name: it\n"), "INVALID_ARGUMENT: 1: there are no 'operations'");
  EXPECT_EQ(WhyNot("name: it\nprotocol: netlink-raw\n"),
            "INVALID_ARGUMENT: 1: netlink-raw without 'protonum'");
  EXPECT_EQ(WhyNot(With("[{name: a, attributes: [{name: x, type: u32, enum: no}]}]")),
            "INVALID_ARGUMENT: 4: 'enum' is 'no', which is not defined");
  EXPECT_EQ(WhyNot(With("[{name: a, attributes: [{name: x, type: nest}]}]")),
            "INVALID_ARGUMENT: 4: attribute 'x' is nest without 'nested-attributes'");
  EXPECT_EQ(WhyNot(With("[{name: a, attributes: [{name: x, type: u8}, {name: x, type: u8}]}]")),
            "INVALID_ARGUMENT: 4: attribute 'x' is there twice");
  EXPECT_EQ(
      WhyNot(With("[{name: a, attributes: [{name: x, type: u8}, {name: y, type: u8, value: 1}]}]")),
      "INVALID_ARGUMENT: 4: two attributes of 'a' have one number");
  EXPECT_EQ(WhyNot(With("[{name: a, attributes: [{name: x, type: u8, value: 70000}]}]")),
            "INVALID_ARGUMENT: 4: 'value' must be a number from 0 to 16383");
  EXPECT_EQ(WhyNot(With("[{name: b, attributes: [{name: x}], subset-of: a},"
                        " {name: a, attributes: [{name: y, type: u8}]}]")),
            "INVALID_ARGUMENT: 4: 'x' is not in 'a', of which this is a subset");
  EXPECT_EQ(WhyNot(With("[]", "[]", "[{name: n, notify: get}]")),
            "INVALID_ARGUMENT: 5: 'n' notifies of 'get', which is not defined");
}

TEST(SpecTest, WhatIsNotSupportedIsNamed) {
  EXPECT_EQ(WhyNot(With("[]", "[{name: d}]")), "INVALID_ARGUMENT: 3: there is no 'type'");
  EXPECT_EQ(WhyNot("name: it\nprotocol: genetlink-next\n"),
            "UNIMPLEMENTED: 2: not supported: protocol 'genetlink-next'");
  EXPECT_EQ(WhyNot(With("[{name: a, attributes: [{name: x, type: u128}]}]")),
            "UNIMPLEMENTED: 4: not supported: type 'u128'");
  EXPECT_EQ(WhyNot(With("[]", "[{name: d, type: union}]")),
            "UNIMPLEMENTED: 3: not supported: definition type 'union'");
  EXPECT_EQ(WhyNot("name: it\noperations: {enum-model: random}\n"),
            "UNIMPLEMENTED: 2: not supported: enum-model 'random'");
}

TEST(SpecTest, StructuresInEachOtherAreBounded) {
  EXPECT_EQ(WhyNot(With("[]",
                        "[{name: s, type: struct, members: [{name: m, type: binary, "
                        "struct: s}]}]")),
            "INVALID_ARGUMENT: 3: structure 's' is within itself, or deeper than 8 others");
  EXPECT_EQ(WhyNot(With("[]",
                        "[{name: s, type: struct, members: [{name: m, type: pad, len: 40000},"
                        " {name: n, type: pad, len: 40000}]}]")),
            "INVALID_ARGUMENT: 3: structure 's' is longer than 65535 bytes");
  EXPECT_EQ(WhyNot(With("[]", "[{name: s, type: struct, members: [{name: m, type: binary}]}]")),
            "INVALID_ARGUMENT: 3: member 'm' has no size");
}

TEST(SpecTest, AliasesAreExpandedButNoBomb) {
  EXPECT_NE(Spec::Parse("name: &n it\ndoc: *n\noperations: {list: []}\n").value(), nullptr);
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'i'; ++c) {
    const std::string of = std::string(" *") + static_cast<char>(c - 1);
    bomb += std::string(1, c) + ": &" + c + " [" + of;
    for (int i = 0; i < 9; ++i) bomb += "," + of;
    bomb += " ]\n";
  }
  EXPECT_EQ(WhyNot(bomb), "INVALID_ARGUMENT: 6: more than 200000 nodes, with aliases expanded");
  EXPECT_EQ(WhyNot("a: &a [*a]\n"), "INVALID_ARGUMENT: 1: an alias of what it is itself a part of");
}

TEST(SpecTest, SizeAndDepthAreBounded) {
  EXPECT_EQ(WhyNot(std::string(kMaxYamlBytes + 1, ' ')),
            "INVALID_ARGUMENT: 1: longer than 1048576 bytes");
  EXPECT_EQ(WhyNot(std::string(40, '[')), "INVALID_ARGUMENT: 1: deeper than 32 levels");
  EXPECT_EQ(WhyNot(std::string(kMaxYamlBytes / 2, '[')),
            "INVALID_ARGUMENT: 1: deeper than 32 levels");
}

TEST(SpecTest, NamesAreTextsAndNoReservedKeys) {
  EXPECT_EQ(WhyNot(With("[{name: a, attributes: [{name: '@raw', type: u8}]}]")),
            "INVALID_ARGUMENT: 4: the name '@raw'");
  EXPECT_EQ(WhyNot("name: \"\\ud800\"\noperations: {list: []}\n").substr(0, 21),
            "INVALID_ARGUMENT: 1: ");
}

TEST(SpecTest, ASubsetNumbersAsItsParentAndMayChangeWhatItSays) {
  const auto spec =
      ParseOrDie(With("[{name: sub, subset-of: all, attributes: [{name: y, multi-attr: true}]},"
                      " {name: all, attributes: [{name: x, type: u8}, {name: y, type: u16}]}]"));
  const AttributeSet* sub = spec->FindAttributeSet("sub");
  ASSERT_NE(sub, nullptr);
  ASSERT_EQ(sub->attributes.size(), 1U);
  EXPECT_EQ(sub->attributes[0].number, 2);
  EXPECT_TRUE(sub->attributes[0].is_multi);
  EXPECT_FALSE(spec->FindAttributeSet("all")->Find("y")->is_multi);
  // What is not in it is still the parent's.
  EXPECT_EQ(sub->Find(uint16_t{1})->name, "x");
}

TEST(SpecTest, UnifiedNumbersCountWhatIsReserved) {
  const auto spec =
      ParseOrDie(With("[{name: a, attributes: []}]", "[]",
                      "[{name: unspec, value: 0}, {name: get, attribute-set: a, do: {request: {}, "
                      "reply: {}}}, {name: ntf, notify: get}, {name: set, value: 9, "
                      "attribute-set: a, flags: [admin-perm], do: {request: {}}}]"));
  EXPECT_EQ(spec->FindOperation("unspec"), nullptr);
  EXPECT_EQ(spec->FindOperation("get")->doit->request_id, 1);
  EXPECT_EQ(spec->FindOperation("get")->doit->reply_id, 1);
  EXPECT_EQ(spec->FindOperation("ntf")->notification_id, 2);
  EXPECT_EQ(spec->FindOperation("ntf")->layout.attributes, spec->FindAttributeSet("a"));
  EXPECT_EQ(spec->FindOperation("set")->doit->request_id, 9);
  EXPECT_EQ(spec->FindOperation("set")->doit->reply_id, std::nullopt);
  EXPECT_TRUE(spec->FindOperation("set")->HasFlag("admin-perm"));
}

TEST(SpecTest, ChecksMayNameConstantsAndLimits) {
  const auto spec = ParseOrDie(
      With("[{name: a, attributes: [{name: x, type: s32, checks: {min: -5, max: s16-max}},"
           " {name: y, type: binary, checks: {max-len: some}}]}]",
           "[{name: some, type: const, value: 0x10}]"));
  const AttributeSet& set = *spec->FindAttributeSet("a");
  EXPECT_EQ(set.Find("x")->checks.min, -5);
  EXPECT_EQ(set.Find("x")->checks.max, 32767U);
  EXPECT_EQ(set.Find("y")->checks.max_bytes, 16U);
  EXPECT_EQ(WhyNot(With("[{name: a, attributes: [{name: x, type: u8, checks: {max: many}}]}]")),
            "INVALID_ARGUMENT: 4: 'max' is 'many': no number, no constant");
}

}  // namespace
}  // namespace kchan::netlink
