// SPDX-License-Identifier: Apache-2.0
// What a request may say, and how it is told what is wrong.
#include "bridge/netlink/spec/encode.h"

#include <string>

#include "bridge/netlink/spec/byte_text.h"
#include "gtest/gtest.h"
#include "netlink_testing.h"

namespace kchan::netlink {
namespace {

std::string Encoded(std::string_view family, std::string_view operation, const std::string& json) {
  const auto bytes = Encode(KernelSpec(family).FindOperation(operation)->layout, Json(json));
  return bytes.ok() ? HexText(*bytes) : std::string(bytes.status().message());
}

std::string Bad(std::string_view family, std::string_view operation, const std::string& json) {
  const auto bytes = Encode(KernelSpec(family).FindOperation(operation)->layout, Json(json));
  return bytes.ok() ? "it is encoded" : std::string(bytes.status().message());
}

TEST(EncodeTest, AttributesAreInTheOrderOfTheirNumbers) {
  EXPECT_EQ(Encoded("nlctrl", "getfamily", R"({"family-name": "ab", "family-id": 16})"),
            "06000100"
            "10000000"
            "07000200"
            "61620000");
}

TEST(EncodeTest, NestsAreMarkedAsNests) {
  EXPECT_EQ(Encoded("ethtool", "rings-get", R"({"header": {"dev-index": 3}})"),
            "0c000180"
            "08000100"
            "03000000");
}

TEST(EncodeTest, AbsentFalseAndNullAreNothing) {
  EXPECT_EQ(Encoded("ethtool", "rings-get", R"({"header": null})"), "");
  EXPECT_EQ(Encoded("ethtool", "features-set", R"({"wanted": {"nomask": false}})"), "04000380");
  EXPECT_EQ(Encoded("ethtool", "features-set", R"({"wanted": {"nomask": true}})"),
            "08000380"
            "04000100");
}

TEST(EncodeTest, AFixedHeaderIsZeroWhereNothingIsSaid) {
  EXPECT_EQ(Encoded("rt-addr", "getaddr", R"({"ifa-index": 258})"), "0000000002010000");
  // "ifa-flags" is also an attribute, which has the name.
  EXPECT_EQ(Encoded("rt-addr", "newaddr",
                    R"({"@header": {"ifa-flags": ["permanent"]}, "ifa-flags": ["permanent"]})"),
            "0000800000000000"
            "08000800"
            "80000000");
}

TEST(EncodeTest, NumbersMayBeTextsAndMustBeWhereJsonIsNotExact) {
  const auto id = [](const std::string& json) {
    return Encoded("netdev", "page-pool-get", R"({"id": )" + json + "}");
  };
  EXPECT_EQ(id("7"),
            "08000100"
            "07000000");
  EXPECT_EQ(id(R"("7")"),
            "08000100"
            "07000000");
  EXPECT_EQ(id(R"("0x10")"),
            "08000100"
            "10000000");
  const auto ino = [](const std::string& json) {
    return Encoded("devlink", "health-reporter-dump-get", R"({"region-chunk-addr": )" + json + "}");
  };
  EXPECT_EQ(ino(R"("18446744073709551615")"), "0c006000ffffffffffffffff");
  EXPECT_EQ(ino("9007199254740992"), "0c0060000000000000002000");
  EXPECT_EQ(ino("18446744073709551615"),
            "region-chunk-addr: 1.84467e+19 is beyond 2^53, where JSON's numbers are not exact: "
            "write it as a text, \"18446744073709551615\"");
}

TEST(EncodeTest, ANumberThatDoesNotFitIsToldItsRange) {
  EXPECT_EQ(Bad("ethtool", "rings-set", R"({"rx": 5000000000})"),
            "rx: 5000000000 is out of range: u32 here is 0 to 4294967295");
  EXPECT_EQ(Bad("ethtool", "rings-set", R"({"rx": -1})"),
            "rx: -1 is out of range: u32 here is 0 to 4294967295");
  EXPECT_EQ(Bad("netdev", "dev-get", R"({"ifindex": 0})"),
            "ifindex: 0 is out of range: u32 here is 1 to 4294967295");
  EXPECT_EQ(Bad("ethtool", "rings-set", R"({"rx": 1.5})"), "rx: 1.5 is no whole number");
  EXPECT_EQ(Bad("ethtool", "rings-set", R"({"rx": "many"})"), "rx: 'many' is no u32");
  EXPECT_EQ(Bad("ethtool", "rings-set", R"({"rx": " 7"})"), "rx: ' 7' is no u32");
  EXPECT_EQ(Bad("ethtool", "rings-set", R"({"rx": true})"), "rx: must be u32");
  EXPECT_EQ(Bad("ethtool", "rings-set", R"({"rx": [1]})"), "rx: must be u32");
}

TEST(EncodeTest, AWrongNameIsToldTheRightOnes) {
  EXPECT_EQ(Bad("ethtool", "rings-get", R"({"header": {"dev-nam": "eth0"}})"),
            "header.dev-nam: no such attribute of header: did you mean dev-name?");
  EXPECT_EQ(Bad("ethtool", "rings-get", R"({"header": {"zzz": 1}})"),
            "header.zzz: no such attribute of header: there are dev-index, dev-name, flags, "
            "phy-index");
  EXPECT_EQ(Bad("ethtool", "rings-get", R"({"header": {"flags": ["stat"]}})"),
            "header.flags[0]: 'stat' is none of header-flags: did you mean stats?");
  EXPECT_EQ(Bad("rt-addr", "getaddr", R"({"ifa-indx": 3})"),
            "ifa-indx: no such attribute of addr-attrs: did you mean ifa-index?");
  EXPECT_EQ(Bad("rt-addr", "getaddr", R"({"@header": {"x": 3}})"),
            "@header.x: no such attribute: there are ifa-family, ifa-prefixlen, ifa-flags, "
            "ifa-scope, ifa-index");
}

TEST(EncodeTest, AValueOfAnotherKindIsToldWhichItMustBe) {
  EXPECT_EQ(Bad("ethtool", "rings-get", R"({"header": 1})"),
            "header: must be an object, of attributes of header");
  EXPECT_EQ(Bad("ethtool", "rings-get", R"({"header": {"dev-name": 3}})"),
            "header.dev-name: must be a string, or {\"@bytes\": \"0a00ff\"}");
  EXPECT_EQ(Bad("ethtool", "rings-get", R"({"header": {"dev-name": "a\u0000b"}})"),
            "header.dev-name: a string cannot hold a NUL");
  EXPECT_EQ(Bad("ethtool", "features-set", R"({"wanted": {"nomask": 1}})"),
            "wanted.nomask: must be true or false");
  EXPECT_EQ(Bad("rt-link", "newlink", R"({"address": "02:00"})"), "it is encoded");
  EXPECT_EQ(Bad("rt-link", "newlink", R"({"address": "02:0"})"),
            "address: must be a link-layer address such as 02:00:00:00:00:01");
  EXPECT_EQ(Bad("rt-addr", "newaddr", R"({"ifa-local": "10.0.0.300"})"),
            "ifa-local: must be an IP address");
  EXPECT_EQ(Bad("mptcp_pm", "add-addr", R"({"addr": {"addr6": "10.0.0.3"}})"),
            "addr.addr6: must be bytes in hexadecimal such as 0a00ff");
  EXPECT_EQ(Bad("mptcp_pm", "add-addr", R"({"addr": {"addr6": "0a000003"}})"),
            "addr.addr6: 4 bytes, but it has exactly 16");
  EXPECT_EQ(Bad("nlctrl", "getpolicy", R"({"ops": 3})"), "ops: must be a list");
  EXPECT_EQ(Bad("nlctrl", "getpolicy", R"({"policy": {"policy-id": 3}})"),
            "policy.attr-id: is not there");
}

TEST(EncodeTest, ASubMessageWantsItsSelector) {
  EXPECT_EQ(Bad("rt-link", "newlink", R"({"linkinfo": {"data": {}}})"),
            "linkinfo.data: there is no 'kind' that says its format");
  EXPECT_EQ(Bad("rt-link", "newlink", R"({"linkinfo": {"kind": "brigde", "data": {}}})"),
            "linkinfo.data: no format of linkinfo-data-msg for kind 'brigde'");
}

TEST(EncodeTest, AnAttributeHoldsNoMoreThanItsLengthCanSay) {
  const std::string long_text(70000, 'x');
  EXPECT_EQ(Bad("nlctrl", "getfamily", R"({"family-name": ")" + long_text + "\"}"),
            "family-name: 70001 bytes, but an attribute holds at most 65531");
  std::string many = R"({"name": ")" + std::string(30000, 'x') + "\"}";
  EXPECT_EQ(Bad("ethtool", "features-set",
                R"({"wanted": {"bits": {"bit": [)" + many + "," + many + "," + many + "]}}}"),
            "wanted.bits: 90036 bytes, but an attribute holds at most 65531");
}

TEST(EncodeTest, RawAttributesAreCheckedToo) {
  EXPECT_EQ(Encoded("nlctrl", "getfamily",
                    R"({"@raw": [{"type": 99, "attributes": [{"type": 1, "bytes": "07"}]}]})"),
            "0c006380"
            "05000100"
            "07000000");
  EXPECT_EQ(Bad("nlctrl", "getfamily", R"({"@raw": [{"type": 70000}]})"),
            "@raw[0].type: must be a number from 0 to 16383");
  EXPECT_EQ(Bad("nlctrl", "getfamily", R"({"@raw": [{"type": 1, "bytes": "0"}]})"),
            "@raw[0].bytes: must be bytes in hexadecimal such as 0a00ff");
  EXPECT_EQ(Bad("nlctrl", "getfamily", R"({"@raw": [{"type": 1, "value": 3}]})"),
            "@raw[0].value: no such key: there are type, bytes or attributes, nested and "
            "net-byte-order");
}

}  // namespace
}  // namespace kchan::netlink
