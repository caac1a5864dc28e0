// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/netlink_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kchan::testing {
namespace {

using netlink::NetlinkRules;
using netlink::Privilege;
using netlink::Wanted;
using ::testing::HasSubstr;

const Wanted kGet{.family = "ethtool", .name = "rings-get", .number = 15};
const Wanted kSet{.family = "ethtool", .name = "rings-set", .number = 16, .is_reserved = true};

std::string Denied(const absl::StatusOr<Privilege>& result) {
  EXPECT_TRUE(absl::IsPermissionDenied(result.status())) << result.status();
  return std::string(result.status().message());
}

TEST(NetlinkRulesTest, ByDefaultWhatEverybodyMayIsAskedWithoutPrivilege) {
  const NetlinkRules rules({"*"}, {});
  EXPECT_EQ(*rules.Check(kGet, false), Privilege::kNone);
  EXPECT_EQ(*rules.Check(kGet, true), Privilege::kNone);
}

TEST(NetlinkRulesTest, WhatIsReservedIsDeniedAndTheLineThatOpensItIsNamed) {
  const NetlinkRules rules({"*"}, {});
  EXPECT_THAT(Denied(rules.Check(kSet, true)),
              HasSubstr("netlink { privileged: \"ethtool:rings-set\" }"));
}

TEST(NetlinkRulesTest, WhatIsOpenedNeedsTheControlRight) {
  for (const char* rule : {"ethtool", "eth*:rings-*", "ethtool:16", "*:rings-set"}) {
    const NetlinkRules rules({"*"}, {rule});
    EXPECT_EQ(*rules.Check(kSet, true), Privilege::kOwn) << rule;
    EXPECT_THAT(Denied(rules.Check(kSet, false)), HasSubstr("control right")) << rule;
    Wanted other = kSet;
    other.family = "devlink";
    other.name = "reload";
    other.number = 37;
    EXPECT_FALSE(rules.Check(other, true).ok()) << rule;
  }
}

TEST(NetlinkRulesTest, ReadingCanBeNarrowed) {
  const NetlinkRules rules({"netdev", "ethtool:*-get"}, {});
  EXPECT_TRUE(rules.Check(kGet, false).ok());
  EXPECT_TRUE(rules.Check({.family = "netdev", .name = "mgmt", .is_group = true}, false).ok());
  EXPECT_THAT(Denied(rules.Check({.family = "ethtool", .name = "monitor", .is_group = true}, true)),
              HasSubstr("netlink { read: \"ethtool:monitor\" }"));
}

TEST(NetlinkRulesTest, ADumpIsTheKernelsToRefuse) {
  Wanted dump = kSet;
  dump.is_dump = true;
  EXPECT_EQ(*NetlinkRules({"*"}, {}).Check(dump, false), Privilege::kNone);
}

TEST(NetlinkRulesTest, AnOpenedGroupIsReadWithoutTheControlRight) {
  const NetlinkRules rules({"*"}, {"mptcp_pm:mptcp_pm_events"});
  const Wanted group{.family = "mptcp_pm", .name = "mptcp_pm_events", .is_group = true};
  EXPECT_EQ(*rules.Check(group, false), Privilege::kOwn);
}

TEST(NetlinkRulesTest, ARuleOfAnOperationsNumberIsNoRuleOfAGroup) {
  const NetlinkRules rules({"x:0"}, {});
  EXPECT_FALSE(rules.Check({.family = "x", .name = "g", .is_group = true}, false).ok());
}

TEST(NetlinkRulesTest, ABrokenRuleIsRefused) {
  for (const char* rule : {"", ":", "ethtool:", ":get", "eth[", "ethtool:[z-a]"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(NetlinkRules::CheckRule(rule))) << rule;
  }
  for (const char* rule : {"*", "ethtool", "ethtool:*-get", "mptcp_pm:mptcp_pm_events"}) {
    EXPECT_TRUE(NetlinkRules::CheckRule(rule).ok()) << rule;
  }
}

}  // namespace
}  // namespace kchan::testing
