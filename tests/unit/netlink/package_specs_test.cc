// SPDX-License-Identifier: Apache-2.0
// The specs of Debian's linux-doc-6.12.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netlink_testing.h"

namespace kchan::netlink {
namespace {

TEST(PackageSpecsTest, EverySpecLoads) {
  size_t attributes = 0;
  size_t operations = 0;
  for (const std::string& name : KernelSpecs().names()) {
    for (const AttributeSet& set : KernelSpec(name).attribute_sets()) {
      attributes += set.attributes.size();
    }
    operations += KernelSpec(name).operations().size();
  }
  std::string refused;
  for (const RefusedSpec& each : KernelSpecs().refused()) {
    refused += each.path + ": " + each.reason + "\n";
  }
  std::printf("%zu specs load, of %zu operations and %zu attributes; %zu are refused\n",
              KernelSpecs().names().size(), operations, attributes, KernelSpecs().refused().size());
  EXPECT_EQ(refused, "");
  const std::vector<std::string> all = {
      "devlink", "dpll",     "ethtool", "fou",          "handshake", "mptcp_pm",  "netdev",
      "nfsd",    "nftables", "nlctrl",  "ovs_datapath", "ovs_flow",  "ovs_vport", "rt-addr",
      "rt-link", "rt-route", "tc",      "tcp_metrics",  "team"};
  EXPECT_EQ(KernelSpecs().names(), all);
}

TEST(PackageSpecsTest, OperationsHaveTheNumbersOfTheUapiHeaders) {
  const auto numbers = [](std::string_view family, std::string_view name) {
    const Operation* operation = KernelSpec(family).FindOperation(name);
    if (operation == nullptr) return std::string("none");
    std::string text;
    for (const auto& exchange : {operation->doit, operation->dump}) {
      if (!exchange) continue;
      text += std::to_string(exchange->request_id) + ">" +
              (exchange->reply_id ? std::to_string(*exchange->reply_id) : "") + " ";
    }
    if (operation->notification_id) text += "!" + std::to_string(*operation->notification_id);
    return text;
  };
  EXPECT_EQ(numbers("ethtool", "strset-get"), "1>1 1>1 ");
  EXPECT_EQ(numbers("ethtool", "rings-get"), "15>16 15>16 ");  // ETHTOOL_MSG_RINGS_GET, _GET_REPLY
  EXPECT_EQ(numbers("ethtool", "rings-set"), "16> ");
  EXPECT_EQ(numbers("ethtool", "rings-ntf"), "!17");
  EXPECT_EQ(numbers("ethtool", "mm-ntf"), "!43");  // ETHTOOL_MSG_MM_NTF
  EXPECT_EQ(numbers("netdev", "dev-get"), "1>1 1>1 ");
  EXPECT_EQ(numbers("netdev", "dev-del-ntf"), "!3");
  EXPECT_EQ(numbers("nlctrl", "getfamily"), "3>1 3>1 ");
  EXPECT_EQ(numbers("nlctrl", "getpolicy"), "10>10 ");
  EXPECT_EQ(numbers("rt-link", "getlink"), "18>16 18>16 ");
  EXPECT_EQ(numbers("rt-addr", "getaddr"), "22>20 ");
  EXPECT_EQ(numbers("mptcp_pm", "get-addr"), "3>3 3>3 ");
}

TEST(PackageSpecsTest, ANotificationThatNoSpecKnowsIsReadAsWhatHasItsNumber) {
  const auto name = [](std::string_view family, Direction direction, uint16_t number) {
    const Operation* found = KernelSpec(family).FindMessage(direction, number);
    return found == nullptr ? "" : found->name;
  };
  // DEVLINK_CMD_PORT_NEW is the reply of port-get, DEVLINK_CMD_PORT_DEL a request;
  // devlink has one attribute set.
  EXPECT_EQ(name("devlink", Direction::kNotification, 7), "port-get");
  EXPECT_EQ(name("devlink", Direction::kNotification, 8), "port-del");
  EXPECT_EQ(name("rt-link", Direction::kNotification, 17), "dellink");
  EXPECT_EQ(name("nlctrl", Direction::kNotification, 1), "getfamily");
  EXPECT_EQ(name("ethtool", Direction::kNotification, 17), "rings-ntf");
  // ethtool's numbers of requests are another space.
  EXPECT_EQ(name("ethtool", Direction::kNotification, 200), "");
  const uint16_t beyond_replies = 44;  // ETHTOOL_MSG_MODULE_FW_FLASH_ACT is request 44
  EXPECT_EQ(name("ethtool", Direction::kRequest, beyond_replies), "module-fw-flash-act");
  EXPECT_NE(name("ethtool", Direction::kReply, beyond_replies), "module-fw-flash-act");
}

TEST(PackageSpecsTest, ProtocolsAndGroupsAreKnown) {
  EXPECT_EQ(KernelSpec("rt-link").protocol_number(), 0);
  EXPECT_EQ(KernelSpec("nftables").protocol_number(), 12);
  EXPECT_EQ(KernelSpec("rt-link").FindGroup("rtnlgrp-link")->number, 1U);
  EXPECT_NE(KernelSpec("netdev").FindGroup("mgmt"), nullptr);
  EXPECT_EQ(NameOf(KernelSpec("dpll").protocol()), "genetlink");
  EXPECT_EQ(KernelSpec("ovs_vport").version(), 2);
}

}  // namespace
}  // namespace kchan::netlink
