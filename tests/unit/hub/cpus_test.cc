// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/cpus.h"

#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace kchan::hub {
namespace {

std::string ProblemOf(std::string_view text) {
  const auto cpus = Cpus::Parse(text);
  EXPECT_TRUE(absl::IsInvalidArgument(cpus.status())) << text;
  return std::string(cpus.status().message());
}

TEST(CpusTest, AListNamesNumbersAndRanges) {
  // CPU 0 is on every machine that a test runs on.
  EXPECT_EQ(Cpus::Parse("0")->count(), 1);
  EXPECT_EQ(*Cpus::Parse("0-0"), *Cpus::Parse("0"));
  EXPECT_EQ(*Cpus::Parse("0,0"), *Cpus::Parse("0"));
}

TEST(CpusTest, WhatIsNoListIsRefused) {
  for (const char* text :
       {"", ",", "0,,0", "-", "0-", "-0", "1-0", "x", "0 ", "+0", "99999999999"}) {
    EXPECT_NE(ProblemOf(text).find("as 0-3,8"), std::string::npos) << text;
  }
}

TEST(CpusTest, ACpuThatIsNotThereIsNamed) {
  EXPECT_NE(ProblemOf("0,1023").find("CPU 1023"), std::string::npos);
}

TEST(CpusTest, AThreadRunsThereAndSoDoThoseThatItMakes) {
  const Cpus before = Cpus::Allowed();
  const Cpus first = *Cpus::Parse("0");
  {
    const OnCpus on(first);
    EXPECT_EQ(Cpus::Allowed(), first);
    std::thread([&] { EXPECT_EQ(Cpus::Allowed(), first); }).join();
  }
  EXPECT_EQ(Cpus::Allowed(), before);
}

}  // namespace
}  // namespace kchan::hub
