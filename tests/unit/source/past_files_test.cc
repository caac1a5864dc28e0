// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/past_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/unit/source/file_source_testing.h"

namespace kchan::testing {
namespace {

using PastFilesTest = FileSourceTest;

TEST_F(PastFilesTest, WhatIsLeftOfOtherEpochsIsHistory) {
  Leave(0x1, kSchema, 3, FrameText(7, "a") + FrameText(9, "b"));
  Leave(0x1, kSchema, 4, FrameText(10, "c"));
  Leave(0x2, kSchema, 5, FrameText(1, "d"));
  // With a channel's name that begins as ours does.
  const std::string others =
      directory_ + "/files/test.more.0000000000000001.0000000000000051.0000000001";
  std::ofstream(others) << FrameText(1, "of another channel");
  Start();
  kernel_.Write("e");
  EXPECT_TRUE(ReadUpTo(1));
  const std::vector<hub::LogBatch> batches = ReadAll();
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[0].epoch, 0x1u);
  EXPECT_EQ(batches[0].first_sequence, 7u);
  EXPECT_EQ(batches[0].last_sequence, 10u);
  EXPECT_EQ(batches[1].epoch, 0x2u);
  EXPECT_EQ(batches[1].last_sequence, 1u);
  EXPECT_EQ(batches[2].epoch, kEpoch);
  EXPECT_EQ(extent().records, 5u);
  EXPECT_EQ(lost(), 1u);
  EXPECT_EQ(Files(), 2u);  // the current one, and the other channel's
  EXPECT_TRUE(std::filesystem::exists(others));
}

TEST_F(PastFilesTest, OfAnotherEpochNothingComesTwiceInOneProcess) {
  Start();
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  Stop();
  kernel_.Write("b");  // the linger ends with this
  kernel_.BeginAnew();
  StartIn(1 << 20, kEpoch + 1);
  const std::vector<hub::LogBatch> batches = ReadAll();
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].epoch, kEpoch);
  EXPECT_EQ(batches[0].last_sequence, 2u);
  EXPECT_EQ(extent().records, 2u);
}

TEST_F(PastFilesTest, RecordsOfAnotherSchemaAreLostAndCounted) {
  Leave(0x1, kSchema + 1, 3, FrameText(4, "a") + FrameText(6, "b"));
  Start();
  const std::vector<hub::LogBatch> batches = ReadAll();
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].epoch, 0x1u);
  EXPECT_EQ(batches[0].first_sequence, 4u);
  EXPECT_EQ(batches[0].last_sequence, 6u);
  EXPECT_EQ(extent().records, 0u);
  EXPECT_EQ(extent().lost[static_cast<size_t>(hub::LossStage::kSource)], 3u);
}

TEST_F(PastFilesTest, OfAPastFileOnlyWhatCanBeIsBelieved) {
  Leave(0x1, kSchema, 3,
        std::string(4096, '\0') + FrameText(1, "a") + FrameText(uint64_t{1} << 59, "forged") +
            FrameText(0, "forged") + FrameText(~uint64_t{0}, "forged") + "garbage" +
            FrameText(2, "b") + FrameText(3, "torn").substr(0, 30));
  Start();
  const std::vector<hub::LogBatch> batches = ReadAll();
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].last_sequence, 2u);
  EXPECT_EQ(extent().records, 2u);
  EXPECT_EQ(lost(), 0u);
}

TEST_F(PastFilesTest, OfTooMuchThatIsLeftTheOldestGoes) {
  std::vector<std::string> left;
  for (uint32_t i = 1; i <= 4; ++i) {
    left.push_back(Leave(kEpoch, kSchema, i, FrameText(i, std::string(1000, 'x'))));
  }
  const auto taken = folder_->TakeOver("test", 2 * source::FrameBytes(1000));
  ASSERT_TRUE(taken.ok()) << taken.status();
  ASSERT_EQ(taken->size(), 2u);
  EXPECT_EQ((*taken)[0].path, left[2]);
  EXPECT_EQ((*taken)[1].path, left[3]);
  EXPECT_EQ(Files(), 2u);
  // The newest may be the kernel's now.
  EXPECT_EQ(folder_->TakeOver("test", 1)->size(), 1u);
  EXPECT_EQ(Files(), 1u);
}

TEST_F(PastFilesTest, AFileThatCannotBeReadNowIsNotRemoved) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP()
      << "UndefinedBehaviorSanitizer needs a file descriptor of its own to look at objects";
#endif
  const std::string left = Leave(0x1, kSchema, 3, FrameText(1, "a"));
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  loop_.Run([&] {
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    const auto source = FileSource::Attach(loop_.loop(), kernel_.Attach(), *folder_,
                                           FileOwner{.channel = "test", .epoch = kEpoch}, {});
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(absl::IsResourceExhausted(source.status())) << source.status();
  });
  EXPECT_TRUE(std::filesystem::exists(left));
}

}  // namespace
}  // namespace kchan::testing
