// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kmsg_record.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "bridge/source/kmsg_payload.h"
#include "bridge/source/kmsg_writer.h"

namespace kchan::testing {
namespace {

using source::FindInDictionary;
using source::KmsgLineOf;
using source::ParseKmsg;

TEST(KmsgRecordTest, ARecordHasItsPrefixTextAndDictionary) {
  const auto record = ParseKmsg(
      "6,339,5140900,-,caller=T1;NET: Registered PF_INET6\n SUBSYSTEM=acpi\n DEVICE=+acpi:0A\n");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->level, 6);
  EXPECT_EQ(record->facility, 0);
  EXPECT_EQ(record->sequence, 339u);
  EXPECT_EQ(record->time_us, 5140900u);
  EXPECT_FALSE(record->continuation);
  EXPECT_EQ(record->caller, "T1");
  EXPECT_EQ(record->text, "NET: Registered PF_INET6");
  EXPECT_EQ(record->dictionary, "SUBSYSTEM=acpi\nDEVICE=+acpi:0A");
}

TEST(KmsgRecordTest, LevelAndFacilityShareANumber) {
  const auto record = ParseKmsg("30,0,0,-;from a daemon\n");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->level, 6);
  EXPECT_EQ(record->facility, 3);
}

TEST(KmsgRecordTest, ACMarksAContinuation) {
  EXPECT_TRUE(ParseKmsg("4,2,1,c;done\n")->continuation);
  EXPECT_FALSE(ParseKmsg("4,2,1,-;done\n")->continuation);
}

TEST(KmsgRecordTest, WhatALaterKernelAddsToThePrefixIsLeftOut) {
  const auto record = ParseKmsg("4,2,1,-,new=x,caller=C3,newer;text\n");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->caller, "C3");
}

TEST(KmsgRecordTest, TheKernelsEscapesAreUndoneInTheText) {
  EXPECT_EQ(ParseKmsg("4,2,1,-;two\\x0alines \\xc3\\xa9 a\\x5cb\n")->text,
            "two\nlines \xc3\xa9 a\\b");
  // A NUL would end it; and what is no escape stays.
  EXPECT_EQ(ParseKmsg("4,2,1,-;\\x00 \\xg1 \\x1\n")->text, "\\x00 \\xg1 \\x1");
}

TEST(KmsgRecordTest, AValueCannotForgeALineOfTheDictionary) {
  EXPECT_EQ(ParseKmsg("4,2,1,-;t\n KEY=a\\x0aDEVICE=x\\x5c\n")->dictionary, "KEY=a\\x0aDEVICE=x\\");
}

TEST(KmsgRecordTest, TheTextMayHoldWhatEndsThePrefix) {
  EXPECT_EQ(ParseKmsg("4,2,1,-;a;b,c\n")->text, "a;b,c");
}

TEST(KmsgRecordTest, WhatIsNoRecordIsNone) {
  for (const char* text : {"", ";", "no prefix\n", "4,2,1,-", "x,2,1,-;t\n", "4,,1,-;t\n",
                           "4,-1,1,-;t\n", "4,2,;t\n", "4,2,99999999999999999999,-;t\n",
                           "4,18446744073709551615,1,-;t\n", "2048,2,1,-;t\n", "4 ,2,1,-;t\n"}) {
    EXPECT_FALSE(ParseKmsg(text)) << text;
  }
}

TEST(KmsgRecordTest, AnyPrefixOfARecordIsSafe) {
  const std::string whole = "6,339,5140900,-,caller=T1;\\x41b\n A=b\\x0\n C=d\n";
  for (size_t size = 0; size <= whole.size(); ++size) (void)ParseKmsg(whole.substr(0, size));
}

TEST(KmsgRecordTest, AKeyOfTheDictionaryIsFound) {
  constexpr char kDictionary[] = "SUBSYSTEM=pci\nDEVICE=+pci:0=1\nbare";
  EXPECT_EQ(FindInDictionary(kDictionary, "SUBSYSTEM"), "pci");
  EXPECT_EQ(FindInDictionary(kDictionary, "DEVICE"), "+pci:0=1");
  EXPECT_FALSE(FindInDictionary(kDictionary, "bare"));
  EXPECT_FALSE(FindInDictionary(kDictionary, "SUB"));
}

absl::StatusOr<std::string> LineOf(uint8_t level, uint8_t facility, const std::string& text) {
  const std::string payload =
      std::string{static_cast<char>(level), static_cast<char>(facility)} + text;
  return KmsgLineOf(std::as_bytes(std::span(payload)));
}

TEST(KmsgLineTest, ALineSaysWhoWroteIt) {
  EXPECT_EQ(LineOf(4, 3, "hello").value(), "<28>kchand: hello\n");
}

TEST(KmsgLineTest, TheDefaultIsAUsersInfo) {
  EXPECT_EQ(LineOf(0, 0, "hello").value(), "<14>kchand: hello\n");
}

TEST(KmsgLineTest, ALineCannotForgeAnother) {
  EXPECT_EQ(LineOf(6, 1, "a\n<0>kernel: b\x1b[2J").value(), "<14>kchand: a?<0>kernel: b?[2J\n");
  EXPECT_EQ(LineOf(6, 1, std::string("a\0b", 3)).value(), "<14>kchand: a\n");
  EXPECT_EQ(LineOf(6, 1, "\xff").value(), "<14>kchand: ?\n");
}

TEST(KmsgLineTest, WhatCannotBeALineIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(LineOf(8, 1, "x").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(LineOf(6, 24, "x").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(LineOf(6, 1, "").status()));
  EXPECT_TRUE(LineOf(6, 1, std::string(900, 'x')).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(LineOf(6, 1, std::string(901, 'x')).status()));
  const std::array<std::byte, 1> one_byte{};
  EXPECT_TRUE(absl::IsInvalidArgument(KmsgLineOf(one_byte).status()));
}

}  // namespace
}  // namespace kchan::testing
