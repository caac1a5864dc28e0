// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/netlink_description.h"

#include <linux/genetlink.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "bridge/hub/hub.h"
#include "gtest/gtest.h"
#include "tests/unit/netlink/netlink_testing.h"

namespace kchan::rpc {
namespace {

constexpr char kSpec[] = R"(
name: shop
protocol: genetlink-legacy
doc: Things.
definitions:
  - {name: colour, type: enum, doc: Of a thing., entries: [red, {name: blue, value: 5, doc: Sky.}]}
  - {name: mark, type: flags, entries: [new, sold]}
  - {name: shelf, type: struct, members: [{name: row, type: u16}, {name: mark, type: u8, enum: mark},
                                          {name: gap, type: pad, len: 1}]}
  - {name: unused, type: enum, entries: [never]}
attribute-sets:
  - name: thing
    doc: One thing.
    attributes:
      - {name: id, type: u32, doc: Its number., checks: {min: 1, max: 99}}
      - {name: colour, type: u8, enum: colour}
      - {name: marks, type: u32, enum: mark, byte-order: big-endian}
      - {name: within, type: nest, nested-attributes: thing, multi-attr: true}
      - {name: place, type: binary, struct: shelf}
      - {name: address, type: binary, display-hint: ipv4, checks: {exact-len: 4}}
      - {name: sizes, type: indexed-array, sub-type: u16}
  - {name: label, attributes: [{name: text, type: string, checks: {max-len: 15}}]}
operations:
  fixed-header: shelf
  list:
    - name: get
      doc: Get it.
      attribute-set: thing
      do: {request: {attributes: [id]}, reply: {attributes: [id, colour, within]}}
      dump: {reply: {attributes: [id]}}
    - {name: put, attribute-set: label, fixed-header: shelf, do: {request: {attributes: [text]}}}
    - {name: get-ntf, notify: get, mcgrp: news}
)";

netlink::DescribedFamily FamilyOf(std::shared_ptr<const netlink::Spec> spec) {
  netlink::DescribedFamily described;
  netlink::GenlFamily& family = described.known.family;
  family.name = spec->name();
  for (const netlink::Operation& operation : spec->operations()) {
    if (operation.is_notification() || !spec->is_generic()) continue;
    const auto& exchange = operation.doit ? operation.doit : operation.dump;
    family.operations.push_back({.command = exchange->request_id, .flags = GENL_CMD_CAP_DO});
  }
  described.known.spec = std::move(spec);
  return described;
}

absl::StatusOr<v1::DescribeFamilyResponse> Describe(const netlink::DescribedFamily& described,
                                                    const std::string& operation = "") {
  const hub::Hub hub({}, [](std::string_view) { return hub::LogLimits(); });
  v1::DescribeFamilyRequest request;
  request.set_family(described.known.family.name);
  request.set_operation(operation);
  return rpc::Describe(described, request, hub);
}

v1::DescribeFamilyResponse DescribeShop(const std::string& operation = "") {
  return *Describe(FamilyOf(netlink::ParseOrDie(kSpec)), operation);
}

template <typename Parts>
std::vector<std::string> Names(const Parts& parts) {
  std::vector<std::string> names;
  for (const auto& each : parts) names.push_back(each.name());
  return names;
}

template <typename Parts>
std::set<std::string> NameSet(const Parts& parts) {
  const std::vector<std::string> names = Names(parts);
  return {names.begin(), names.end()};
}

using Texts = std::vector<std::string>;

TEST(NetlinkDescriptionTest, OperationSaysWhatItTakesAndWhatItAnswers) {
  const v1::DescribeFamilyResponse shop = DescribeShop();
  ASSERT_EQ(Names(shop.family().operations()), (Texts{"get", "put"}));
  const v1::NetlinkOperation& get = shop.family().operations(0);
  EXPECT_EQ(get.attribute_set(), "thing");
  EXPECT_EQ(get.fixed_header(), "shelf");
  const auto& replies = get.do_exchange().reply_attributes();
  EXPECT_EQ(Texts(replies.begin(), replies.end()), (Texts{"id", "colour", "within"}));
  EXPECT_EQ(get.do_exchange().request_attributes(0), "id");
  EXPECT_EQ(get.do_exchange().reply_command(), 1u);
  EXPECT_EQ(get.dump_exchange().request_attributes_size(), 0);
  const v1::NetlinkOperation& put = shop.family().operations(1);
  EXPECT_FALSE(put.has_dump_exchange());
  EXPECT_FALSE(put.do_exchange().has_reply_command());
}

TEST(NetlinkDescriptionTest, AttributeSaysAllThatItsValueNeeds) {
  const v1::DescribeFamilyResponse shop = DescribeShop();
  const v1::NetlinkAttributeSet& thing = shop.attribute_sets(0);
  EXPECT_EQ(thing.documentation(), "One thing.");
  const auto& id = thing.attributes(0);
  EXPECT_EQ(id.number(), 1u);
  EXPECT_EQ(id.type(), "u32");
  EXPECT_EQ(id.min_value(), 1);
  EXPECT_EQ(id.max_value(), 99u);
  EXPECT_EQ(id.documentation(), "Its number.");
  const auto& marks = thing.attributes(2);
  EXPECT_EQ(marks.enumeration(), "mark");
  EXPECT_TRUE(marks.enumeration_as_flags());
  EXPECT_EQ(marks.byte_order(), v1::BYTE_ORDER_BIG_ENDIAN);
  EXPECT_FALSE(thing.attributes(1).enumeration_as_flags());
  const auto& within = thing.attributes(3);
  EXPECT_EQ(within.nested_set(), "thing");
  EXPECT_TRUE(within.multi());
  EXPECT_EQ(thing.attributes(4).structure(), "shelf");
  const auto& address = thing.attributes(5);
  EXPECT_EQ(address.display_hint(), "ipv4");
  EXPECT_EQ(address.min_bytes(), 4u);
  EXPECT_EQ(address.max_bytes(), 4u);
  EXPECT_EQ(thing.attributes(6).element_type(), "u16");
}

TEST(NetlinkDescriptionTest, ValuesAndBytesHaveTheirNamesAndPlaces) {
  const v1::DescribeFamilyResponse shop = DescribeShop();
  EXPECT_EQ(Names(shop.enumerations()), (Texts{"colour", "mark"}));  // none that is not used
  const v1::NetlinkEnumerationEntry& blue = shop.enumerations(0).entries(1);
  EXPECT_EQ(blue.name(), "blue");
  EXPECT_EQ(blue.value(), 5);
  EXPECT_EQ(blue.documentation(), "Sky.");
  EXPECT_TRUE(shop.enumerations(1).flags());
  const v1::NetlinkStructure& shelf = shop.structures(0);
  EXPECT_EQ(shelf.size_bytes(), 4u);
  EXPECT_EQ(shelf.members(1).name(), "mark");
  EXPECT_EQ(shelf.members(1).offset(), 2u);
  EXPECT_EQ(shelf.members(1).enumeration(), "mark");
}

TEST(NetlinkDescriptionTest, OneOperationComesWithWhatItNeedsAlone) {
  const v1::DescribeFamilyResponse put = DescribeShop("put");
  EXPECT_EQ(Names(put.family().operations()), (Texts{"put"}));
  EXPECT_EQ(Names(put.attribute_sets()), (Texts{"label"}));
  EXPECT_EQ(Names(put.enumerations()), (Texts{"mark"}));  // of the fixed header
  EXPECT_EQ(put.notifications_size(), 0);
  const v1::DescribeFamilyResponse get = DescribeShop("1");
  EXPECT_EQ(Names(get.family().operations()), (Texts{"get"}));
  EXPECT_EQ(Names(get.notifications()), (Texts{"get-ntf"}));
  EXPECT_EQ(get.notifications(0).group(), "news");
}

TEST(NetlinkDescriptionTest, OneOperationComesWithItsPoliciesAlone) {
  netlink::DescribedFamily described = FamilyOf(netlink::ParseOrDie(kSpec));
  netlink::FamilyPolicies& policies = described.policies;
  policies.operations[1] = {.do_policy = 7};
  policies.operations[2] = {.do_policy = 9};
  policies.policies[7][4] = {.kind = NL_ATTR_TYPE_NESTED, .nested_policy = 8};
  policies.policies[8][1] = {.kind = NL_ATTR_TYPE_U32};
  policies.policies[9][1] = {.kind = NL_ATTR_TYPE_NUL_STRING, .nested_policy = 10};  // has none
  const auto get = *Describe(described, "get");
  ASSERT_EQ(get.policies_size(), 2);
  EXPECT_EQ(get.policies(0).id(), 7u);
  EXPECT_EQ(get.policies(0).attributes(0).name(), "within");
  EXPECT_EQ(get.policies(1).id(), 8u);
  EXPECT_EQ(get.policies(1).attributes(0).name(), "id");
  const auto put = *Describe(described, "put");
  ASSERT_EQ(put.policies_size(), 2);
  EXPECT_EQ(put.policies(0).attributes(0).name(), "text");
  EXPECT_EQ(put.policies(1).id(), 10u);  // takes nothing
  EXPECT_EQ(put.policies(1).attributes_size(), 0);
}

TEST(NetlinkDescriptionTest, OperationThatIsNotThereIsNotFound) {
  const auto shop = FamilyOf(netlink::ParseOrDie(kSpec));
  for (const char* name : {"gett", "77", "get-ntf", "\n"}) {
    EXPECT_EQ(Describe(shop, name).status().code(), absl::StatusCode::kNotFound) << name;
  }
}

TEST(NetlinkDescriptionTest, WhatIsTooLongForAClientIsRefusedAndItsPartsAreNot) {
  std::string yaml = kSpec;
  yaml.replace(yaml.find("One thing."), 10, std::string(900 << 10, 'x'));
  auto described = FamilyOf(netlink::ParseOrDie(yaml));
  // As long as a kernel that has many policies makes it.
  for (uint32_t id = 0; id < 4; ++id) {
    for (uint16_t number = 1; number != 0; ++number) {
      described.policies.policies[id][number] = {.kind = NL_ATTR_TYPE_U32, .max_value = UINT64_MAX};
    }
    described.policies.operations[1] = {.do_policy = 0, .dump_policy = 1};
  }
  described.policies.policies[1][1].nested_policy = 2;
  described.policies.policies[2][1].nested_policy = 3;
  const auto whole = Describe(described);
  EXPECT_EQ(whole.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(whole.status().message().find("ask for one operation"), std::string::npos);
  EXPECT_TRUE(Describe(described, "put").ok());
}

// Everything that is referred to is there, and none of the kernel's own is near the
// bound.
TEST(NetlinkDescriptionTest, DescriptionsOfTheKernelsSpecificationsAreWhole) {
  size_t longest = 0;
  std::string whose;
  for (const std::string& name : netlink::KernelSpecs().names()) {
    const auto described = Describe(FamilyOf(netlink::KernelSpecs().Find(name)));
    ASSERT_TRUE(described.ok()) << described.status();
    if (described->ByteSizeLong() > longest) {
      longest = described->ByteSizeLong();
      whose = name;
    }
    const std::set<std::string> sets = NameSet(described->attribute_sets());
    const std::set<std::string> enumerations = NameSet(described->enumerations());
    const std::set<std::string> structures = NameSet(described->structures());
    const std::set<std::string> messages = NameSet(described->sub_messages());
    const auto expect_in = [&](const std::set<std::string>& names, const std::string& reference) {
      EXPECT_TRUE(reference.empty() || names.contains(reference)) << name << ": " << reference;
    };
    for (const auto& operation : described->family().operations()) {
      EXPECT_TRUE(operation.has_do_exchange() || operation.has_dump_exchange()) << name;
      expect_in(sets, operation.attribute_set());
      expect_in(structures, operation.fixed_header());
    }
    for (const auto& set : described->attribute_sets()) {
      expect_in(sets, set.subset_of());
      for (const auto& attribute : set.attributes()) {
        expect_in(sets, attribute.nested_set());
        expect_in(enumerations, attribute.enumeration());
        expect_in(structures, attribute.structure());
        expect_in(messages, attribute.sub_message());
      }
    }
    for (const auto& message : described->sub_messages()) {
      for (const auto& format : message.formats()) expect_in(sets, format.attribute_set());
    }
  }
  std::printf("the longest description is that of %s: %zu bytes\n", whose.c_str(), longest);
  EXPECT_LT(longest, size_t{256} << 10);
}

}  // namespace
}  // namespace kchan::rpc
