// SPDX-License-Identifier: Apache-2.0
#include "bridge/text/utf8.h"

#include <string>

#include "gtest/gtest.h"

namespace kchan::text {
namespace {

constexpr char kBad[] = "\xef\xbf\xbd";

TEST(Utf8Test, TextStaysAsItIs) {
  for (const std::string text : {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x90\xa7"}) {
    EXPECT_EQ(ToUtf8(text), text);
    EXPECT_TRUE(IsUtf8(text));
  }
}

TEST(Utf8Test, EachByteThatIsNoPartOfACharacterIsReplaced) {
  EXPECT_FALSE(IsUtf8("a\xff"));
  EXPECT_FALSE(IsUtf8("\xe2\x82"));
  EXPECT_EQ(ToUtf8("a\xff"), std::string("a") + kBad);
  EXPECT_EQ(ToUtf8("\xe2\x82z"), std::string(kBad) + kBad + "z") << "broken off";
  EXPECT_EQ(ToUtf8("\xe2\x82"), std::string(kBad) + kBad) << "the last byte is missing";
  EXPECT_EQ(ToUtf8("\xc0\x80"), std::string(kBad) + kBad) << "longer than it need be";
  EXPECT_EQ(ToUtf8("\xed\xa0\x80"), std::string(kBad) + kBad + kBad) << "a surrogate";
  EXPECT_EQ(ToUtf8("\xf4\x90\x80\x80"), std::string(kBad) + kBad + kBad + kBad) << "too large";
}

}  // namespace
}  // namespace kchan::text
