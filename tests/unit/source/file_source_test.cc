// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/file_source.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/source/file_source_testing.h"

namespace kchan::testing {
namespace {

TEST_F(FileSourceTest, FollowsWhatTheKernelWrites) {
  Start();
  EXPECT_EQ(next_, 1u);
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  kernel_.Write("b");
  EXPECT_TRUE(ReadUpTo(2));
  EXPECT_EQ(extent().records, 2u);
}

TEST_F(FileSourceTest, WhatComesOnceItIsAttachedIsNew) {
  hub::LogPosition now;
  before_first_turn_ = [&] {
    now = *log_->Seek(hub::StartNow{});
    kernel_.Write("a");
  };
  Start();
  EXPECT_TRUE(ReadUpTo(1));
  const hub::LogBatch batch = log_->Read(now, 1 << 10);
  EXPECT_EQ(batch.first_sequence, 1u);
  EXPECT_EQ(batch.slices.size(), 1u);
}

TEST_F(FileSourceTest, LossesAreExactAlsoAtTheTail) {
  Start();
  kernel_.Lose(3);
  kernel_.Write("a");
  kernel_.Lose(2);
  EXPECT_TRUE(ReadUpTo(6));
  EXPECT_EQ(extent().records, 1u);
  EXPECT_EQ(lost(), 5u);
}

TEST_F(FileSourceTest, RotatesWithoutLosingOrDoublingAndRemovesWhatIsRead) {
  Start(/*rotate_bytes=*/256);
  for (int i = 1; i <= 200; ++i) {
    kernel_.Write(std::string(64, 'r'));
    if (i % 10 == 0) {
      EXPECT_TRUE(ReadUpTo(static_cast<uint64_t>(i)));
    }
  }
  EXPECT_TRUE(ReadUpTo(200));
  EXPECT_EQ(extent().records, 200u);
  EXPECT_EQ(lost(), 0u);
  EXPECT_GT(kernel_.hands(), 5);
  EXPECT_TRUE(Eventually([&] { return Files() <= 2; }));
}

TEST_F(FileSourceTest, RotatesAlsoWhereItIsBehind) {
  Start(/*rotate_bytes=*/256);
  loop_.Run([&] {
    // More than one turn reads.
    for (int i = 0; i < 20; ++i) kernel_.Write(std::string(60 << 10, 'r'));
  });
  EXPECT_TRUE(ReadUpTo(20));
  EXPECT_EQ(extent().records, 20u);
  EXPECT_EQ(kernel_.hands(), 2);
  EXPECT_TRUE(Eventually([&] { return Files() == 1; }));
}

TEST_F(FileSourceTest, AFullFileIsFollowedByTheNext) {
  Start();
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  kernel_.SetFull();
  EXPECT_TRUE(Eventually([&] { return kernel_.hands() == 2; }));
  kernel_.Write("b");
  EXPECT_TRUE(ReadUpTo(2));
}

TEST_F(FileSourceTest, AFullFileThatCannotBeFollowedNowIsLater) {
  Start();
  kernel_.RefuseFiles(true);
  kernel_.SetFull();
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  EXPECT_EQ(kernel_.hands(), 1);
  kernel_.RefuseFiles(false);
  EXPECT_TRUE(Eventually([&] { return kernel_.hands() == 2; }));
}

TEST_F(FileSourceTest, AnEndLeavesNothingThatIsRead) {
  Start();
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  kernel_.LetGo();
  Stop();
  EXPECT_EQ(Files(), 0u);
}

TEST_F(FileSourceTest, WhatWasWrittenAtTheVeryEndIsRead) {
  Start();
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  loop_.Run([&] {
    kernel_.Write("b");
    kernel_.Lose(1);
    kernel_.LetGo();
  });
  EXPECT_TRUE(ReadUpTo(3));
  EXPECT_EQ(extent().records, 2u);
  EXPECT_EQ(lost(), 1u);
}

TEST_F(FileSourceTest, AComebackThatFailsForgetsNothing) {
  Start();
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  Stop();
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  loop_.Run([&] {
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_FALSE(FileSource::Attach(loop_.loop(), kernel_.Attach(), *folder_,
                                    FileOwner{.channel = "test", .epoch = kEpoch}, {})
                     .ok());
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  });
  Start();
  EXPECT_EQ(next_, 2u);
}

TEST_F(FileSourceTest, ComingBackGoesOnBehindWhatWasRead) {
  Start();
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  Stop();
  kernel_.Write("while nobody was there");
  kernel_.Lose(4);
  Start();
  EXPECT_EQ(next_, 2u);
  kernel_.Write("b");
  EXPECT_TRUE(ReadUpTo(7));
  EXPECT_EQ(lost(), 4u);
  EXPECT_EQ(extent().records, 2u);
}

TEST_F(FileSourceTest, WhatAKilledDaemonLeftIsReadUnderTheSameNumbers) {
  // Numbers 1 to 3, of which somebody had read some; and one that was never handed
  // over.
  const std::string unused = Leave(kEpoch, kSchema, 6, "");
  const std::string left = Leave(kEpoch, kSchema, 7,
                                 FrameText(1, "a") + FrameText(2, "b") + FrameText(3, "c") +
                                     FrameText(4, "torn").substr(0, 20));
  kernel_.Lose(5);  // the kernel's numbers stand at 5: 4 and 5 are lost
  Start();
  EXPECT_EQ(next_, 1u);
  EXPECT_TRUE(ReadUpTo(5));
  EXPECT_EQ(extent().records, 3u);
  EXPECT_EQ(lost(), 2u);
  kernel_.Write("d");
  EXPECT_TRUE(ReadUpTo(6));
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_FALSE(std::filesystem::exists(unused));
}

TEST_F(FileSourceTest, WhatTheKernelWroteMeanwhileIsReadUnderItsNumbers) {
  Start();
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  // Killed: nothing of it is left but the file, which the kernel goes on with.
  loop_.Run([&] { source_.reset(); });
  Forget();
  for (int i = 2; i <= 10; ++i) kernel_.Write("while nobody was there");
  Start();
  EXPECT_EQ(next_, 1u);
  EXPECT_TRUE(ReadUpTo(10));
  kernel_.Write("b");
  EXPECT_TRUE(ReadUpTo(11));
  EXPECT_EQ(extent().records, 11u);
  EXPECT_EQ(lost(), 0u);
  EXPECT_TRUE(Eventually([&] { return Files() == 1; }));
}

TEST_F(FileSourceTest, ANumberThatTheKernelHasNotUsedIsNotBelieved) {
  Leave(kEpoch, kSchema, 7,
        FrameText(1, "a") + FrameText(uint64_t{1} << 60, "forged") + FrameText(2, "b"));
  kernel_.Lose(2);
  Start();
  EXPECT_TRUE(ReadUpTo(2));
  EXPECT_EQ(extent().records, 2u);
  kernel_.Write("c");
  EXPECT_TRUE(ReadUpTo(3));
  EXPECT_EQ(lost(), 0u);
}

TEST_F(FileSourceTest, WhatIsNotReadYetStaysForTheNext) {
  Start();
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  // Stopped before it could look again.
  loop_.Run([&] {
    kernel_.Write("b");
    source_.reset();
  });
  EXPECT_EQ(Files(), 1u);
  Forget();
  Start();
  EXPECT_EQ(next_, 1u);
  EXPECT_TRUE(ReadUpTo(2));
  EXPECT_EQ(extent().records, 2u);
}

TEST_F(FileSourceTest, AFolderThatCannotBeUsedSaysWhatToDo) {
  std::ofstream(directory_ + "/files") << "a file where the folder should be";
  loop_.Run([&] {
    const auto source = FileSource::Attach(loop_.loop(), kernel_.Attach(), *folder_,
                                           FileOwner{.channel = "test", .epoch = kEpoch}, {});
    ASSERT_FALSE(source.ok());
    EXPECT_TRUE(absl::IsFailedPrecondition(source.status())) << source.status();
    EXPECT_NE(source.status().message().find("file_directory"), absl::string_view::npos);
  });
}

}  // namespace
}  // namespace kchan::testing
