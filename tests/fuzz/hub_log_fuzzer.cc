// SPDX-License-Identifier: Apache-2.0
// The input decides what writer and readers of a log do next; the schedule
// checks everything that they see against its model.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "tests/unit/hub/log_schedule.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  ::testing::InitGoogleTest(argc, *argv);
  // A failed assertion is a crash, which is what libFuzzer looks for.
  GTEST_FLAG_SET(break_on_failure, true);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  size_t used = 0;
  // Two bytes a choice, for the longest range is 30,000.
  const auto pick = [&](uint64_t below) -> uint64_t {
    if (used + 2 > size) return 0;
    const uint64_t choice = bytes[used] | static_cast<uint64_t>(bytes[used + 1]) << 8;
    used += 2;
    return choice % below;
  };
  kchan::hub::testing::LogSchedule schedule(pick);
  while (used + 2 <= size) schedule.Step();
  schedule.Finish();
  return 0;
}
