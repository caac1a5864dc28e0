// SPDX-License-Identifier: Apache-2.0
// The kernel goes on with its file when the holder is gone: for as long as the
// channel lingers, no longer, and never beyond the file's bound.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstring>
#include <memory>
#include <string>

#include "file_testing.h"
#include "frames.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

class FileKeepTest : public FileTest {
 protected:
  int SetLinger(uint32_t linger_ms) {
    return socket_.Do(KCHAN_CMD_CHANNEL_SET, Named(kChannel).U32(KCHAN_A_LINGER_MS, linger_ms))
        .error;
  }
  static bool HasFrames(const std::string& name, uint64_t frames) {
    return Eventually([&] { return ReadWhole(Path(name)).size() == frames * FrameBytes(64); });
  }
};

TEST_F(FileKeepTest, WhatIsWrittenWithoutAHolderIsInTheFileForTheNext) {
  auto first = std::make_unique<Holder>();
  ASSERT_EQ(first->Attach(kChannel), 0);
  const uint64_t generation = first->generation();
  ASSERT_EQ(first->Output(Path("first")), 0);
  first.reset();
  // Several times what the queue holds.
  for (uint64_t frames = 100; frames <= 3000; frames += 100) {
    ASSERT_EQ(Write({.count = 100, .length = 64}), 0);
    ASSERT_TRUE(HasFrames("first", frames));
  }

  Holder next;
  ASSERT_EQ(next.Attach(kChannel), 0);
  EXPECT_EQ(next.generation(), generation);
  EXPECT_EQ(next.Poll(), POLLIN) << "it has not seen what was written meanwhile";
  const kchan_file_status status = next.Status();
  EXPECT_EQ(status.has_file, 1u);
  EXPECT_EQ(status.sequence, 3000u);
  EXPECT_EQ(status.position, 3000 * FrameBytes(64));
  kchan_file_hand told;
  ASSERT_EQ(next.Output(Path("second"), &told), 0);
  EXPECT_EQ(told.position, 3000 * FrameBytes(64));
  EXPECT_EQ(told.sequence, 3000u);
  ASSERT_EQ(Write({.count = 2, .length = 64}), 0);
  ASSERT_TRUE(ReachesSequence(next, 3002));
  EXPECT_EQ(next.Status().lost, 0u);

  FrameFollower follower;
  ASSERT_NO_FATAL_FAILURE(follower.Take(ReadWhole(Path("first"))));
  EXPECT_EQ(follower.received, 3000u);
  ASSERT_NO_FATAL_FAILURE(follower.Take(ReadWhole(Path("second"))));
  EXPECT_EQ(follower.received, 3002u);
}

TEST_F(FileKeepTest, KilledHolderCostsNothing) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    Holder holder;
    const int error = holder.Attach(kChannel) ?: holder.Output(Path("out"));
    [[maybe_unused]] const ssize_t told = write(ready[1], &error, sizeof(error));
    for (;;) pause();
  }
  int error = -1;
  ASSERT_EQ(read(ready[0], &error, sizeof(error)), ssize_t(sizeof(error)));
  close(ready[0]);
  close(ready[1]);
  ASSERT_EQ(error, 0);
  ASSERT_EQ(Write({.count = 100, .length = 64}), 0);
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  for (uint64_t frames = 200; frames <= 2000; frames += 100) {
    ASSERT_EQ(Write({.count = 100, .length = 64}), 0);
    ASSERT_TRUE(HasFrames("out", frames));
  }
  FrameFollower follower;
  ASSERT_NO_FATAL_FAILURE(follower.Take(ReadWhole(Path("out"))));
  EXPECT_EQ(follower.received, 2000u);
  EXPECT_EQ(follower.lost, 0u);
}

TEST_F(FileKeepTest, MountIsBusyUntilTheLingerIsOver) {
  auto holder = std::make_unique<Holder>();
  ASSERT_EQ(holder->Attach(kChannel), 0);
  ASSERT_EQ(holder->Output(Path("out")), 0);
  ASSERT_EQ(Write({.count = 10, .length = 64}), 0);
  holder.reset();
  EXPECT_EQ(disk_.MakeReadOnly(), EBUSY);
  // From the next release on.
  ASSERT_EQ(SetLinger(1), 0);
  holder = std::make_unique<Holder>();
  ASSERT_EQ(holder->Attach(kChannel), 0);
  EXPECT_EQ(holder->Status().has_file, 1u);
  holder.reset();
  EXPECT_TRUE(Eventually([&] { return disk_.MakeReadOnly() == 0; }));
  EXPECT_EQ(StateOf(socket_, kChannel), KCHAN_STATE_IDLE);
  EXPECT_TRUE(HasFrames("out", 10)) << "what was queued is written first";
}

TEST_F(FileKeepTest, AKeptFileHoldsUpNoUnload) {
  {
    Holder holder;
    ASSERT_EQ(holder.Attach(kChannel), 0);
    ASSERT_EQ(holder.Output(Path("out")), 0);
  }
  ASSERT_EQ(Write({.count = 10, .length = 64}), 0);
  ASSERT_EQ(UnloadModule("kchan_testbed"), 0);
  EXPECT_TRUE(HasFrames("out", 10));
  EXPECT_TRUE(Eventually([&] { return disk_.MakeReadOnly() == 0; }));
}

TEST_F(FileKeepTest, QuiesceLetsGoOfAKeptFile) {
  {
    Holder holder;
    ASSERT_EQ(holder.Attach(kChannel), 0);
    ASSERT_EQ(holder.Output(Path("out")), 0);
  }
  ASSERT_EQ(Write({.count = 10, .length = 64}), 0);
  ASSERT_EQ(socket_.Do(KCHAN_CMD_QUIESCE).error, 0);
  EXPECT_TRUE(HasFrames("out", 10));
  EXPECT_TRUE(Eventually([&] { return disk_.MakeReadOnly() == 0; }));
  // The guest goes on with a fresh core.
  EXPECT_EQ(UnloadModule("kchan_sources"), 0);
  EXPECT_EQ(UnloadModule("kchan_testbed"), 0);
  EXPECT_EQ(UnloadModule("kchan"), 0);
  ASSERT_EQ(LoadModule("kchan"), 0);
  ASSERT_EQ(LoadModule("kchan_sources"), 0);
}

TEST_F(FileKeepTest, StopsAtTheFilesBoundAndCountsWhatTheQueueCannotHold) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  ASSERT_EQ(holder.OutputUpTo(Path("bounded"), KCHAN_FILE_MIN_BYTES), 0);
  constexpr uint64_t kFit = KCHAN_FILE_MIN_BYTES / FrameBytes(64);
  uint64_t attempts = 0;
  while (attempts < kFit) {
    ASSERT_EQ(Write({.count = 90, .length = 64}), 0);
    attempts += 90;
    ASSERT_TRUE(Eventually([&] { return holder.Status().sequence == std::min(attempts, kFit); }));
  }
  // Nothing more can be written: only that is told.
  ASSERT_EQ(holder.Status().sequence, kFit);
  ASSERT_TRUE(Eventually([&] { return holder.Status().full == 1; }));
  EXPECT_EQ(holder.Poll(), 0);
  // More than the queue holds.
  EXPECT_EQ(Write({.count = 2000, .length = 64}), ENOBUFS);
  attempts += 2000;
  const kchan_file_status full = holder.Status();
  EXPECT_EQ(full.error, 0u);
  EXPECT_EQ(full.position, kFit * FrameBytes(64));
  EXPECT_EQ(ReadWhole(Path("bounded")).size(), full.position);

  ASSERT_EQ(holder.Output(Path("next")), 0);
  ASSERT_TRUE(ReachesSequence(holder, attempts));
  const kchan_file_status status = holder.Status();
  EXPECT_EQ(status.full, 0u);
  EXPECT_GT(status.lost, 0u);
  EXPECT_EQ(status.records + status.lost, attempts);
  FrameFollower follower;
  ASSERT_NO_FATAL_FAILURE(follower.Take(ReadWhole(Path("bounded"))));
  EXPECT_EQ(follower.lost, 0u);
  ASSERT_NO_FATAL_FAILURE(follower.Take(ReadWhole(Path("next"))));
  EXPECT_EQ(follower.received, status.records);
}

TEST_F(FileKeepTest, BoundHoldsWithoutAHolderToo) {
  {
    Holder holder;
    ASSERT_EQ(holder.Attach(kChannel), 0);
    ASSERT_EQ(holder.OutputUpTo(Path("bounded"), KCHAN_FILE_MIN_BYTES), 0);
  }
  uint64_t attempts = 0;
  for (int error = 0; error == 0; attempts += 100) {
    error = Write({.count = 100, .length = 64});
    ASSERT_TRUE(error == 0 || error == ENOBUFS) << error;
    ASSERT_LT(attempts, 1'000'000u) << "nothing stops it";
  }
  ASSERT_TRUE(HasFrames("bounded", KCHAN_FILE_MIN_BYTES / FrameBytes(64)));
  Holder next;
  ASSERT_EQ(next.Attach(kChannel), 0);
  ASSERT_EQ(next.Output(Path("next")), 0);
  ASSERT_TRUE(ReachesSequence(next, attempts));
  EXPECT_EQ(next.Status().records + next.Status().lost, attempts);
}

// What a full disk left over is written to the next file before all else.
TEST_F(FileKeepTest, SmallestBoundHasRoomForWhatWasLeftOver) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  ASSERT_EQ(disk_.Resize("16k"), 0);
  ASSERT_EQ(holder.Output(Path("full")), 0);
  ASSERT_EQ(Write({.count = 600, .length = 64}), 0);
  ASSERT_TRUE(Eventually([&] { return holder.Status().error == ENOSPC; }));
  ASSERT_EQ(disk_.Resize("1m"), 0);
  ASSERT_EQ(holder.OutputUpTo(Path("next"), KCHAN_FILE_MIN_BYTES), 0);
  ASSERT_TRUE(ReachesSequence(holder, 600));
  EXPECT_EQ(holder.Status().error, 0u);
  EXPECT_EQ(holder.Status().lost, 0u);
}

TEST_F(FileKeepTest, BoundsThatMakeNoSenseAreRefused) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  EXPECT_EQ(holder.OutputUpTo(Path("out"), 1), EINVAL);
  EXPECT_EQ(holder.OutputUpTo(Path("out"), KCHAN_FILE_MIN_BYTES - 1), EINVAL);
  const int fd = open(Path("out").c_str(), O_RDONLY | O_CLOEXEC);
  kchan_file_hand request{};
  request.fd = fd;
  request.role = KCHAN_FILE_COMMANDS;
  request.max_bytes = KCHAN_FILE_MIN_BYTES;
  EXPECT_EQ(holder.Hand(&request), EINVAL);
  close(fd);
}

}  // namespace
}  // namespace kchan::guest
