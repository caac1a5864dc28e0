// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/sparse_count.h"

#include <chrono>

#include "gtest/gtest.h"

namespace kchan::rpc {
namespace {

TEST(SparseCountTest, FirstIsToldAtOnceAndThoseAfterItTogether) {
  const auto begin = std::chrono::steady_clock::now();
  SparseCount count;
  EXPECT_EQ(count.Add(begin), 1u);
  EXPECT_EQ(count.Add(begin + std::chrono::seconds(1)), 0u);
  EXPECT_EQ(count.Add(begin + std::chrono::seconds(9)), 0u);
  EXPECT_EQ(count.Add(begin + std::chrono::seconds(10)), 3u);
  EXPECT_EQ(count.Add(begin + std::chrono::seconds(11)), 0u);
}

}  // namespace
}  // namespace kchan::rpc
