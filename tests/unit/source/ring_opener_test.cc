// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/ring_opener.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "bridge/source/loss_causes.h"

namespace kchan::testing {
namespace {

using source::LossCauses;
using source::ParseCpuList;
using Cpus = std::vector<uint32_t>;
using Parts = std::vector<std::pair<uint64_t, std::string>>;

TEST(RingOpenerTest, CpuListsAreReadAsTheKernelWritesThem) {
  EXPECT_EQ(ParseCpuList("0"), Cpus({0}));
  EXPECT_EQ(ParseCpuList("0-3"), Cpus({0, 1, 2, 3}));
  EXPECT_EQ(ParseCpuList("0,2-3,8"), Cpus({0, 2, 3, 8}));
}

TEST(RingOpenerTest, WhatIsNoCpuListIsLeftOut) {
  EXPECT_EQ(ParseCpuList(""), Cpus());
  EXPECT_EQ(ParseCpuList("x,1,-,3-,2"), Cpus({1, 2}));
  EXPECT_EQ(ParseCpuList("5-2"), Cpus());
  EXPECT_LE(ParseCpuList("0-4294967295").size(), 8192u);
}

Parts Split(LossCauses& causes, uint64_t count, const kchan_ring_counters& counters) {
  Parts parts;
  causes.Split(count, counters,
               [&](uint64_t part, const char* cause) { parts.emplace_back(part, cause); });
  return parts;
}

TEST(LossCausesTest, EachLossHasTheCauseThatItsCounterShows) {
  kchan_ring_counters counters{};
  LossCauses causes(counters);
  counters.lost_oversize = 2;
  counters.lost_full = 5;
  EXPECT_EQ(Split(causes, 7, counters), Parts({{2, "record too long"}, {5, "ring full"}}));
  counters.lost_contended = 1;
  EXPECT_EQ(Split(causes, 1, counters), Parts({{1, "writer refused: contended"}}));
}

TEST(LossCausesTest, PartsSumUpToWhatWasLostWhateverTheCountersSay) {
  kchan_ring_counters counters{};
  counters.lost_oversize = 100;
  LossCauses causes(counters);
  counters.lost_oversize = 50;  // went back: a lie
  counters.lost_no_ring = UINT64_MAX;
  for (const uint64_t count : {uint64_t{1}, uint64_t{1000}, UINT64_MAX / 2}) {
    const Parts parts = Split(causes, count, counters);
    EXPECT_EQ(std::accumulate(parts.begin(), parts.end(), uint64_t{0},
                              [](uint64_t sum, const auto& part) { return sum + part.first; }),
              count);
  }
}

TEST(LossCausesTest, WhatWasToldByAReaderBeforeIsNotToldAgain) {
  kchan_ring_counters counters{};
  counters.lost_oversize = 10;
  LossCauses causes(counters);
  counters.lost_full = 3;
  EXPECT_EQ(Split(causes, 3, counters), Parts({{3, "ring full"}}));
}

}  // namespace
}  // namespace kchan::testing
