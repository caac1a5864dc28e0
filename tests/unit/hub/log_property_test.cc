// SPDX-License-Identifier: Apache-2.0
// Random schedules against a model that forgets nothing.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/hub/log_schedule.h"

namespace kchan::hub {
namespace {

class LogPropertyTest : public ::testing::TestWithParam<uint32_t> {};

TEST_P(LogPropertyTest, EveryNumberIsARecordOrALossOnce) {
  std::mt19937 random(GetParam());
  testing::LogSchedule schedule([&](uint64_t below) { return random() % below; });
  for (int i = 0; i < 3000 && !HasFailure(); ++i) schedule.Step();
  schedule.Finish();
}

INSTANTIATE_TEST_SUITE_P(Seeds, LogPropertyTest, ::testing::Range(1u, 13u));

}  // namespace
}  // namespace kchan::hub
