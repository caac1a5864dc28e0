// SPDX-License-Identifier: Apache-2.0
#include "bridge/security/authorizer.h"

#include <memory>
#include <string>

#include "bridge/security/policy_file.h"
#include "gtest/gtest.h"

namespace kchan::security {
namespace {

using Because = Decision::Because;

std::shared_ptr<const Authorizer> Policy(const std::string& text) {
  auto policy = ParsePolicy(text, "policy");
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.ok() ? *policy : nullptr;
}

// Of a remote client, through a listener with the control right.
Grants GrantsOf(const std::shared_ptr<const Authorizer>& policy, const std::string& name) {
  return policy->GrantsOf(OfName(name), /*only_reads=*/false, /*is_local=*/false);
}

constexpr char kFleet[] = R"(
  roles { name: "collectors" members: "spiffe://fleet/collector/*" members: "dns:*.collect" }
  roles { name: "operators" members: "cn:alice" }
  roles { name: "everyone" members: "anyone" }
  rules { name: "collect" roles: "collectors" read: "exec" read: "tcp_*" status: true }
  rules { name: "operate" roles: "operators" write: "heater" control: "tick" }
  rules { roles: "everyone" read: "tick" }
)";

TEST(AuthorizerTest, WhatNoRuleAllowsIsDenied) {
  const auto policy = Policy(kFleet);
  const Grants alice = GrantsOf(policy, "cn:alice");
  EXPECT_EQ(alice.Channel(Right::kRead, "exec").because, Because::kNoRule);
  EXPECT_EQ(alice.Channel(Right::kWrite, "tick").because, Because::kNoRule);
  EXPECT_FALSE(alice.Status().is_allowed());
  EXPECT_FALSE(alice.NetlinkFamily("").is_allowed());
  EXPECT_EQ(GrantsOf(Policy(""), "cn:alice").Anything().because, Because::kNoRule);
}

TEST(AuthorizerTest, DecisionNamesTheRuleThatAllowed) {
  const auto policy = Policy(kFleet);
  EXPECT_EQ(GrantsOf(policy, "spiffe://fleet/collector/7").Channel(Right::kRead, "tcp_rtt").rule,
            "collect");
  EXPECT_EQ(GrantsOf(policy, "cn:alice").Channel(Right::kRead, "tick").rule, "rules[2]");
  EXPECT_EQ(GrantsOf(policy, "cn:alice").Channel(Right::kRead, "exec").rule, "");
}

TEST(AuthorizerTest, ReadWriteAndControlAreApart) {
  const Grants alice = GrantsOf(Policy(kFleet), "cn:alice");
  for (const Right right : {Right::kRead, Right::kWrite, Right::kControl}) {
    EXPECT_EQ(alice.Channel(right, "heater").is_allowed(), right == Right::kWrite) << Name(right);
    EXPECT_EQ(alice.Channel(right, "tick").is_allowed(), right != Right::kWrite) << Name(right);
  }
}

TEST(AuthorizerTest, WildcardMatchesNoSlash) {
  const auto policy = Policy(kFleet);
  EXPECT_TRUE(GrantsOf(policy, "spiffe://fleet/collector/7").Status().is_allowed());
  EXPECT_FALSE(GrantsOf(policy, "spiffe://fleet/collector/7/sub").Status().is_allowed());
  EXPECT_FALSE(GrantsOf(policy, "spiffe://fleet/collector").Status().is_allowed());
  EXPECT_FALSE(GrantsOf(policy, "spiffe://fleet.evil/collector/7").Status().is_allowed());
}

TEST(AuthorizerTest, AnyNameOfACertificateCounts) {
  const auto policy = Policy(kFleet);
  const Identity both = OfCertificate({"https://unknown"}, {"one.collect"}, "");
  EXPECT_TRUE(policy->GrantsOf(both, false, false).Status().is_allowed());
  // Its common name does not, since it has others.
  const Identity alice = OfCertificate({}, {"alice.example"}, "alice");
  EXPECT_FALSE(policy->GrantsOf(alice, false, false).Channel(Right::kWrite, "heater").is_allowed());
}

TEST(AuthorizerTest, AnyCertificateIsNotAnyone) {
  const auto policy = Policy(R"(
    roles { name: "known" members: "any-certificate" }
    rules { roles: "known" read: "*" })");
  EXPECT_TRUE(policy->GrantsOf(OfCertificate({}, {}, ""), false, false)
                  .Channel(Right::kRead, "exec")
                  .is_allowed());
  for (const bool has_tls : {false, true}) {
    EXPECT_FALSE(policy->GrantsOf(OfAnonymous(has_tls), false, false).Anything().is_allowed());
  }
}

TEST(AuthorizerTest, ListenersRightIsTheMostThatARuleCanGive) {
  const auto policy = Policy(kFleet);
  const Grants grants = policy->GrantsOf(OfName("cn:alice"), /*only_reads=*/true, false);
  EXPECT_EQ(grants.Channel(Right::kWrite, "heater").because, Because::kListenerOnlyReads);
  EXPECT_EQ(grants.Channel(Right::kControl, "tick").because, Because::kListenerOnlyReads);
  EXPECT_EQ(grants.AnyChannel(Right::kWrite).because, Because::kListenerOnlyReads);
  EXPECT_TRUE(grants.Channel(Right::kRead, "tick").is_allowed());
}

TEST(AuthorizerTest, WithoutAPolicyTheListenersRightDecides) {
  const Grants reader = Grants::OfListener(/*only_reads=*/true);
  EXPECT_EQ(reader.Channel(Right::kRead, "netlink/a/b").because, Because::kListener);
  EXPECT_EQ(reader.Channel(Right::kRead, "x").rule, "listener");
  EXPECT_FALSE(reader.Channel(Right::kWrite, "x").is_allowed());
  EXPECT_TRUE(reader.Status().is_allowed());
  EXPECT_TRUE(Grants::OfListener(false).Channel(Right::kControl, "x").is_allowed());
}

TEST(AuthorizerTest, UnixSocketsKeepTheirListenersRightUnlessThePolicySaysOtherwise) {
  const Identity control = OfUnixListener("unix:control");
  EXPECT_EQ(Policy("")->GrantsOf(control, false, /*is_local=*/true).Status().because,
            Because::kListener);
  const auto policy = Policy(R"(
    unix_sockets: UNIX_SOCKET_RIGHTS_BY_POLICY
    roles { name: "local" members: "unix:control" }
    rules { roles: "local" write: "heater" })");
  const Grants grants = policy->GrantsOf(control, false, /*is_local=*/true);
  EXPECT_TRUE(grants.Channel(Right::kWrite, "heater").is_allowed());
  EXPECT_FALSE(grants.Channel(Right::kWrite, "tick").is_allowed());
  EXPECT_FALSE(policy->GrantsOf(OfUnixListener("unix:read"), true, true).Anything().is_allowed());
}

TEST(AuthorizerTest, WhoHasAnyRightOnAChannelSeesIt) {
  const Grants alice = GrantsOf(Policy(kFleet), "cn:alice");
  EXPECT_TRUE(alice.Sees("heater").is_allowed());
  EXPECT_TRUE(alice.Sees("tick").is_allowed());
  EXPECT_FALSE(alice.Sees("exec").is_allowed());
  EXPECT_FALSE(alice.Sees("no_such").is_allowed());
}

TEST(AuthorizerTest, AnyChannelTellsWhetherThereCouldBeOne) {
  const Grants collector = GrantsOf(Policy(kFleet), "spiffe://fleet/collector/7");
  EXPECT_TRUE(collector.AnyChannel(Right::kRead).is_allowed());
  EXPECT_FALSE(collector.AnyChannel(Right::kWrite).is_allowed());
}

constexpr char kNetlink[] = R"(
  roles { name: "net" members: "cn:net" }
  rules { roles: "net"
          netlink { read: "ethtool:*-get" read: "nl80211:scan" }
          netlink { privileged: "ethtool:rings-set" network_namespaces: "blue*"
                    network_namespaces: "" } })";

TEST(AuthorizerTest, NetlinkOperationsAreAllowedByFamilyAndName) {
  const Grants net = GrantsOf(Policy(kNetlink), "cn:net");
  const netlink::Wanted get{.family = "ethtool", .name = "rings-get", .number = 15};
  const netlink::Wanted set{.family = "ethtool", .name = "rings-set", .number = 16};
  EXPECT_TRUE(net.Netlink(get, "", false).is_allowed());
  EXPECT_FALSE(net.Netlink(get, "", true).is_allowed());
  EXPECT_TRUE(net.Netlink(set, "", true).is_allowed());
  EXPECT_TRUE(net.Netlink(set, "", false).is_allowed()) << "privileged includes reading";
  EXPECT_FALSE(net.Netlink({.family = "devlink", .name = "get"}, "", false).is_allowed());
}

TEST(AuthorizerTest, NetlinkRulesHoldInTheirNetworkNamespaces) {
  const Grants net = GrantsOf(Policy(kNetlink), "cn:net");
  const netlink::Wanted get{.family = "ethtool", .name = "rings-get", .number = 15};
  const netlink::Wanted set{.family = "ethtool", .name = "rings-set", .number = 16};
  EXPECT_FALSE(net.Netlink(get, "blue", false).is_allowed()) << "by default kchand's own only";
  EXPECT_TRUE(net.Netlink(set, "blue-1", true).is_allowed());
  EXPECT_FALSE(net.Netlink(set, "red", true).is_allowed());
  EXPECT_TRUE(net.NetlinkFamily("ethtool", "blue").is_allowed());
  EXPECT_FALSE(net.NetlinkFamily("nl80211", "blue").is_allowed());
  EXPECT_TRUE(net.NetlinkFamily("nl80211").is_allowed());
  EXPECT_FALSE(net.NetlinkFamily("devlink").is_allowed());
}

TEST(AuthorizerTest, NetlinkGroupIsReadByARuleOfItsFamilyOrOfItsChannel) {
  const Grants net = GrantsOf(Policy(kNetlink), "cn:net");
  EXPECT_TRUE(net.Channel(Right::kRead, "netlink/nl80211/scan").is_allowed());
  EXPECT_FALSE(net.Channel(Right::kRead, "netlink/nl80211/scan@blue").is_allowed());
  EXPECT_FALSE(net.Channel(Right::kRead, "netlink/nl80211/mlme").is_allowed());
  EXPECT_FALSE(net.Channel(Right::kWrite, "netlink/nl80211/scan").is_allowed());
  EXPECT_TRUE(net.AnyChannel(Right::kRead).is_allowed());
  const auto by_channel = Policy(R"(
    roles { name: "net" members: "cn:net" }
    rules { roles: "net" read: "netlink/*/mlme" })");
  EXPECT_TRUE(
      GrantsOf(by_channel, "cn:net").Channel(Right::kRead, "netlink/nl80211/mlme").is_allowed());
}

TEST(AuthorizerTest, StarIsNoNetlinkGroup) {
  const auto policy = Policy(R"(
    roles { name: "all" members: "anyone" }
    rules { roles: "all" read: "*" })");
  EXPECT_FALSE(GrantsOf(policy, "cn:x").Channel(Right::kRead, "netlink/a/b").is_allowed());
}

TEST(AuthorizerTest, RemoteClientsOfASwappedPolicyKeepTheOneTheyHave) {
  auto policy = Policy(kFleet);
  const Grants alice = GrantsOf(policy, "cn:alice");
  policy.reset();
  EXPECT_TRUE(alice.Channel(Right::kWrite, "heater").is_allowed());
}

}  // namespace
}  // namespace kchan::security
