// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "bridge/hub/filter_syntax.h"
#include "tests/unit/hub/filter_testing.h"

namespace kchan::hub {
namespace {

using testing::CanonicalText;

std::string Parsed(const std::string& text) {
  const auto syntax = ParseFilter(text);
  return syntax.ok() ? CanonicalText(*syntax) : std::string(syntax.status().message());
}

struct Case {
  std::string text;
  std::string parsed;
};

class FilterTextTest : public ::testing::TestWithParam<Case> {};

TEST_P(FilterTextTest, MeansWhatItsCanonicalTextMeans) {
  const auto syntax = ParseFilter(GetParam().text);
  ASSERT_TRUE(syntax.ok()) << syntax.status();
  const std::string canonical = CanonicalText(*syntax);
  EXPECT_EQ(canonical, GetParam().parsed);
  EXPECT_EQ(Parsed(canonical), canonical);
}

INSTANTIATE_TEST_SUITE_P(
    Comparisons, FilterTextTest,
    ::testing::Values(
        Case{"pid = 1", R"(pid = "1")"}, Case{"pid=1", R"(pid = "1")"},
        Case{" pid\n!=\t-1 ", R"(pid != "-1")"}, Case{"a<=0x1F", R"(a <= "0x1F")"},
        Case{"a<1", R"(a < "1")"}, Case{"a>1", R"(a > "1")"}, Case{"a>=1.5ms", R"(a >= "1.5ms")"},
        Case{"flags:up|down", R"(flags : "up|down")"}, Case{"a.b.c:*", R"(a.b.c : "*")"},
        Case{"comm = ba*", R"(comm = "ba*")"}, Case{"comm = *sh", R"(comm = "*sh")"},
        Case{"comm = *a*", R"(comm = "*a*")"}, Case{"comm = *", R"(comm = "*")"},
        Case{R"(comm = "\*")", R"(comm = "\*")"},
        Case{R"(comm = 'it\'s "x"')", R"(comm = "it's \"x\"")"},
        Case{R"(comm = "a\\\x41\x20")", R"(comm = "a\\A ")"}, Case{R"(comm = "")", R"(comm = "")"},
        Case{"mac = 52:54:00:12:34:56", R"(mac = "52:54:00:12:34:56")"},
        Case{"ip = 10.0.0.0/8", R"(ip = "10.0.0.0/8")"},
        Case{"record.cpu = 3", R"(record.cpu = "3")"}, Case{"comm = \"AND\"", R"(comm = "AND")"},
        Case{"größe = grün", R"(größe = "grün")"}, Case{"ANDROID = 1", R"(ANDROID = "1")"}));

// OR binds tighter than AND, and AND need not be written.
INSTANTIATE_TEST_SUITE_P(
    Logic, FilterTextTest,
    ::testing::Values(Case{"a=1 b=2", R"(a = "1" AND b = "2")"},
                      Case{"a=1 AND b=2 AND c=3", R"(a = "1" AND b = "2" AND c = "3")"},
                      Case{"a=1 AND b=2 OR c=3", R"(a = "1" AND (b = "2" OR c = "3"))"},
                      Case{"a=1 OR b=2 AND c=3", R"((a = "1" OR b = "2") AND c = "3")"},
                      Case{"a=1 b=2 OR c=3 d=4", R"(a = "1" AND (b = "2" OR c = "3") AND d = "4")"},
                      Case{"(a=1 AND b=2) OR c=3", R"((a = "1" AND b = "2") OR c = "3")"},
                      Case{"NOT a=1", R"(NOT (a = "1"))"}, Case{"-a=1", R"(NOT (a = "1"))"},
                      Case{"-a=-1", R"(NOT (a = "-1"))"},
                      Case{"a=1 -b=2", R"(a = "1" AND (NOT (b = "2")))"},
                      Case{"NOT (a=1 OR b=2)", R"(NOT (a = "1" OR b = "2"))"},
                      Case{"NOT(a=1)", R"(NOT (a = "1"))"}, Case{"((a=1))", R"(a = "1")"},
                      Case{"(a=1)(b=2)", R"(a = "1" AND b = "2")"}));

class FilterErrorTest : public ::testing::TestWithParam<Case> {};

TEST_P(FilterErrorTest, NamesTheColumnAndWhatWasExpected) {
  EXPECT_EQ(Parsed(GetParam().text), GetParam().parsed);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, FilterErrorTest,
    ::testing::Values(
        Case{"", "column 1: expected a field, NOT or `(`, found the end"},
        Case{"comm", "column 5: expected one of = != < <= > >= : behind `comm`, found the end"},
        Case{"comm == bash", "column 7: expected a value behind `=`, found `=`"},
        Case{"comm = ", "column 8: expected a value behind `=`, found the end"},
        Case{"a = AND",
             "column 5: expected a value behind `=`, where such a word is quoted, found "
             "`AND`"},
        Case{"a=1 AND", "column 8: expected a field, NOT or `(`, found the end"},
        Case{"a=1 OR AND b=2", "column 8: expected a field, NOT or `(`, found `AND`"},
        Case{"a=1 ) b=2", "column 5: expected AND, OR or another comparison, found `)`"},
        Case{"(a=1", "column 5: expected AND, OR, another comparison or `)`, found the end"},
        Case{"a=\"x", "column 3: the \" that begins here has no end"},
        Case{"größe =", "column 8: expected a value behind `=`, found the end"},
        Case{"a=b*c",
             "column 4: a `*` stands for any text only at a value's start or end; as a "
             "character it is written \"\\*\""},
        Case{R"(a="\q")",
             "column 4: expected an escape: \\\" \\' \\\\ \\* \\n \\t \\r or \\x and "
             "two digits"},
        Case{R"(a="\x4")",
             "column 4: expected an escape: \\\" \\' \\\\ \\* \\n \\t \\r or \\x and "
             "two digits"},
        Case{"a..b=1", "column 1: a field's name is missing beside a `.`"},
        Case{"f(x)=1", "column 2: expected one of = != < <= > >= : behind `f`, found `(`"},
        Case{"--a=1", "column 2: expected a field, NOT or `(`, found `-`"},
        Case{"a=1\x01",
             "column 4: expected AND, OR or another comparison, found a control "
             "character"}));

TEST(FilterParserTest, TextIsBounded) {
  EXPECT_TRUE(ParseFilter("a=\"" + std::string(kMaxFilterBytes - 4, 'x') + "\"").ok());
  EXPECT_EQ(Parsed("a=\"" + std::string(kMaxFilterBytes - 3, 'x') + "\""),
            "is 4097 bytes long; at most 4096 are allowed");
}

TEST(FilterParserTest, ComparisonsAreBounded) {
  std::string text;
  for (size_t i = 0; i < kMaxFilterTerms; ++i) text += "a=1 ";
  EXPECT_TRUE(ParseFilter(text).ok());
  EXPECT_EQ(Parsed(text + "a=1"), "column 257: more than 64 comparisons");
}

TEST(FilterParserTest, DepthIsBounded) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '(') + "a=1" + std::string(depth, ')');
  };
  EXPECT_TRUE(ParseFilter(nested(kMaxFilterDepth)).ok());
  EXPECT_EQ(Parsed(nested(kMaxFilterDepth + 1)), "column 33: parentheses are more than 32 deep");
  EXPECT_FALSE(ParseFilter(std::string(kMaxFilterBytes, '(')).ok());
}

}  // namespace
}  // namespace kchan::hub
