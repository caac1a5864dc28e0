// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/histogram.h"

#include <vector>

#include "gtest/gtest.h"

namespace kchan::hub {
namespace {

TEST(HistogramTest, BoundIsTheLargestValueOfItsBucket) {
  Histogram histogram({1, 10});
  for (const double value : {0.5, 1.0, 1.5, 10.0, 10.5, 1000.0}) histogram.Observe(value);
  const Histogram::Reading reading = histogram.Read();
  EXPECT_EQ(reading.counts, (std::vector<uint64_t>{2, 2, 2}));
  EXPECT_DOUBLE_EQ(reading.sum, 1023.5);
}

TEST(HistogramTest, StartsEmpty) {
  EXPECT_EQ(Histogram({1}).Read().counts, (std::vector<uint64_t>{0, 0}));
}

}  // namespace
}  // namespace kchan::hub
