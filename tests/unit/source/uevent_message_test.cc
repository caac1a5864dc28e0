// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/uevent_message.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>

namespace kchan::testing {
namespace {

using std::string_view_literals::operator""sv;

auto Parse(std::string_view text) { return source::ParseUevent(std::as_bytes(std::span(text))); }

constexpr std::string_view kAdd =
    "add@/devices/virtual/net/eth1\0ACTION=add\0DEVPATH=/devices/virtual/net/eth1\0"
    "SUBSYSTEM=net\0INTERFACE=eth1\0SEQNUM=812\0"sv;

TEST(UeventMessageTest, AMessageHasItsPartsAndAllProperties) {
  const auto message = Parse(kAdd);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->seqnum, 812u);
  EXPECT_EQ(message->action, "add");
  EXPECT_EQ(message->devpath, "/devices/virtual/net/eth1");
  EXPECT_EQ(message->subsystem, "net");
  EXPECT_EQ(message->properties,
            "ACTION=add\nDEVPATH=/devices/virtual/net/eth1\nSUBSYSTEM=net\nINTERFACE=eth1\n"
            "SEQNUM=812");
}

TEST(UeventMessageTest, APropertyCannotForgeAnother) {
  const auto message = Parse("change@/d\0ACTION=change\0DEVPATH=/d\0X=a\nACTION=b\0SEQNUM=1\0"sv);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->action, "change");
  EXPECT_NE(message->properties.find("X=a?ACTION=b"), std::string::npos);
}

TEST(UeventMessageTest, TheLastPropertyNeedsNoEnd) {
  EXPECT_EQ(Parse("add@/d\0ACTION=add\0DEVPATH=/d\0SEQNUM=7"sv)->seqnum, 7u);
}

TEST(UeventMessageTest, WhatIsNoUeventIsNone) {
  EXPECT_FALSE(Parse(""sv));
  EXPECT_FALSE(Parse("libudev\0\xfe\xed\xca\xfe"sv));
  EXPECT_FALSE(Parse("@/d\0ACTION=add\0DEVPATH=/d\0SEQNUM=1\0"sv));
  EXPECT_FALSE(Parse("ACTION=add\0DEVPATH=/d@\0SEQNUM=1\0"sv));
  EXPECT_FALSE(Parse("add@/d\0DEVPATH=/d\0SEQNUM=1\0"sv));
  EXPECT_FALSE(Parse("add@/d\0ACTION=add\0SEQNUM=1\0"sv));
  EXPECT_FALSE(Parse("add@/d\0ACTION=add\0DEVPATH=/d\0"sv));
  EXPECT_FALSE(Parse("add@/d\0ACTION=add\0DEVPATH=/d\0SEQNUM=1x\0"sv));
}

TEST(UeventMessageTest, AnyPrefixOfAMessageIsSafe) {
  for (size_t size = 0; size + 1 < kAdd.size() - sizeof("SEQNUM=812"); ++size) {
    EXPECT_FALSE(Parse(kAdd.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace kchan::testing
