// SPDX-License-Identifier: Apache-2.0
// The kernel writes a file, and the disk is full, or somebody goes: nothing is
// torn or doubled, and what is missing was counted.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "file_testing.h"
#include "frames.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

TEST_F(FileTest, FullDiskWaitsForRoom) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  ASSERT_EQ(disk_.Resize("16k"), 0);
  ASSERT_EQ(holder.Output(Path("out")), 0);
  // More than the disk holds, less than the disk and the queue do.
  ASSERT_EQ(Write({.count = 400, .length = 64}), 0);
  ASSERT_TRUE(Eventually([&] { return holder.Status().error == ENOSPC; }));
  const kchan_file_status full = holder.Status();
  EXPECT_EQ(full.lost, 0u);
  EXPECT_EQ(full.position, full.records * FrameBytes(64)) << "whole frames count";
  EXPECT_LT(full.records, 400u);
  ASSERT_EQ(disk_.Resize("1m"), 0);
  ASSERT_TRUE(ReachesSequence(holder, 400));
  EXPECT_EQ(holder.Status().error, 0u);
  EXPECT_EQ(holder.Status().lost, 0u);
  FrameFollower follower;
  follower.Take(ReadWhole(Path("out")));
  EXPECT_EQ(follower.received, 400u);
}

TEST_F(FileTest, FullDiskLosesWhatTheQueueCannotHold) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  ASSERT_EQ(disk_.Resize("16k"), 0);
  ASSERT_EQ(holder.Output(Path("out")), 0);
  EXPECT_EQ(Write({.count = 4000, .length = 64}), ENOBUFS);
  ASSERT_TRUE(Eventually([&] { return holder.Status().error == ENOSPC; }));
  ASSERT_EQ(disk_.Resize("1m"), 0);
  ASSERT_TRUE(ReachesSequence(holder, 4000));
  const kchan_file_status status = holder.Status();
  EXPECT_GT(status.lost, 0u);
  EXPECT_EQ(status.records + status.lost, 4000u);
  FrameFollower follower;
  follower.Take(ReadWhole(Path("out")));
  EXPECT_EQ(follower.received, status.records);
}

TEST_F(FileTest, NextFileTakesWhatAFullDiskDidNot) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  ASSERT_EQ(disk_.Resize("16k"), 0);
  ASSERT_EQ(holder.Output(Path("full")), 0);
  ASSERT_EQ(Write({.count = 400, .length = 64}), 0);
  ASSERT_TRUE(Eventually([&] { return holder.Status().error == ENOSPC; }));
  kchan_file_hand told;
  ASSERT_EQ(holder.Output("/tmp/next", &told), 0);
  ASSERT_TRUE(ReachesSequence(holder, 400));
  EXPECT_EQ(holder.Status().error, 0u);

  // The torn frame at the end of the full one was cut off.
  FrameFollower follower;
  const std::string full = ReadWhole(Path("full"));
  EXPECT_EQ(full.size(), told.position);
  ASSERT_NO_FATAL_FAILURE(follower.Take(full));
  EXPECT_EQ(follower.sequence, told.sequence);
  ASSERT_NO_FATAL_FAILURE(follower.Take(ReadWhole("/tmp/next")));
  unlink("/tmp/next");
  EXPECT_EQ(follower.received, 400u);
  EXPECT_EQ(follower.lost, 0u);
}

TEST_F(FileTest, FileThatMayNotGrowIsAnErrorUntilTheNext) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  const int sealed = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  ASSERT_EQ(fcntl(sealed, F_ADD_SEALS, F_SEAL_GROW), 0);
  ASSERT_EQ(holder.Output(sealed), 0);
  ASSERT_EQ(Write({.count = 2, .length = 64}), 0);
  ASSERT_TRUE(Eventually([&] { return holder.Status().error == EPERM; }));
  EXPECT_EQ(holder.Poll(), 0) << "it was seen";
  ASSERT_EQ(holder.Output(Path("out")), 0);
  ASSERT_TRUE(ReachesSequence(holder, 2));
  EXPECT_EQ(holder.Status().error, 0u);
  EXPECT_EQ(holder.Status().lost, 0u);
  close(sealed);
}

TEST_F(FileTest, CallersFileSizeLimitHolds) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  ASSERT_EQ(holder.Output(Path("out")), 0);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_EQ(Write({.count = 100, .length = 64}), 0);
  ASSERT_TRUE(Eventually([&] { return holder.Status().error == EFBIG; }));
  EXPECT_LE(ReadWhole(Path("out")).size(), 4096u);
  ASSERT_EQ(holder.Output(Path("next")), 0);
  ASSERT_TRUE(ReachesSequence(holder, 100));
  EXPECT_EQ(holder.Status().lost, 0u);
}

TEST_F(FileTest, MountIsHeldUntilTheNextFile) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  ASSERT_EQ(holder.Output(Path("out")), 0);
  EXPECT_EQ(disk_.MakeReadOnly(), EBUSY);
  ASSERT_EQ(holder.Output("/tmp/next"), 0);
  unlink("/tmp/next");
  EXPECT_TRUE(Eventually([&] { return disk_.MakeReadOnly() == 0; }));
  EXPECT_EQ(open(Path("other").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), -1);
  EXPECT_EQ(errno, EROFS);
}

TEST_F(FileTest, ProviderGoesAndAllThatWasQueuedIsWritten) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  ASSERT_EQ(holder.Output(Path("out"), nullptr, KCHAN_SYNC_BYTES, 1 << 20), 0);
  ASSERT_EQ(Write({.count = 500, .length = 64}), 0);
  std::thread waiter([&] {
    pollfd polled{.fd = holder.fd(), .events = 0, .revents = 0};
    EXPECT_EQ(poll(&polled, 1, 10'000), 1);
    EXPECT_EQ(polled.revents, POLLHUP);
  });
  ASSERT_EQ(UnloadModule("kchan_testbed"), 0);
  waiter.join();
  const kchan_file_status status = holder.Status();
  EXPECT_EQ(status.records, 500u);
  EXPECT_EQ(status.sequence, 500u);
  EXPECT_EQ(status.has_file, 0u);
  FrameFollower follower;
  follower.Take(ReadWhole(Path("out")));
  EXPECT_EQ(follower.received, 500u);
  EXPECT_EQ(holder.Output(Path("late")), ESHUTDOWN);
  EXPECT_EQ(UnloadModule("kchan"), EWOULDBLOCK);
  EXPECT_TRUE(Eventually([&] { return disk_.MakeReadOnly() == 0; })) << "the file was let go";
}

TEST_F(FileTest, ProviderGoesWhileTheDiskIsFull) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  ASSERT_EQ(disk_.Resize("16k"), 0);
  ASSERT_EQ(holder.Output(Path("out")), 0);
  ASSERT_EQ(Write({.count = 400, .length = 64}), 0);
  ASSERT_TRUE(Eventually([&] { return holder.Status().error == ENOSPC; }));
  ASSERT_EQ(UnloadModule("kchan_testbed"), 0);
  const kchan_file_status status = holder.Status();
  EXPECT_EQ(status.sequence, 400u);
  EXPECT_EQ(status.records + status.lost, 400u);
  EXPECT_EQ(status.error, uint32_t(ENOSPC));
  FrameFollower follower;
  ASSERT_NO_FATAL_FAILURE(follower.Take(ReadWhole(Path("out"))));
  EXPECT_EQ(follower.received, status.records);
}

TEST_F(FileTest, KilledHolderLeavesTheRestToTheNext) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    Holder holder;
    const int error = holder.Attach(kChannel) ?: holder.Output(Path("first"));
    [[maybe_unused]] const ssize_t told = write(ready[1], &error, sizeof(error));
    for (;;) pause();
  }
  int error = -1;
  ASSERT_EQ(read(ready[0], &error, sizeof(error)), ssize_t(sizeof(error)));
  ASSERT_EQ(error, 0);
  std::atomic<bool> go_on = true;
  uint64_t attempts = 0;
  std::thread writer([&] {
    GenlSocket socket;
    while (go_on) {
      WriteRecords(socket, kChannel, {.count = 10, .length = 64});
      attempts += 10;
    }
  });
  EXPECT_TRUE(Eventually([] { return ReadWhole(Path("first")).size() > 10'000; }));
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  Holder next;
  ASSERT_TRUE(Eventually([&] { return next.Attach(kChannel) == 0; }));
  ASSERT_EQ(next.Output(Path("second")), 0);
  go_on = false;
  writer.join();
  ASSERT_TRUE(ReachesSequence(next, attempts));
  const kchan_file_status status = next.Status();
  EXPECT_EQ(status.records + status.lost, attempts);
  FrameFollower follower;
  ASSERT_NO_FATAL_FAILURE(follower.Take(ReadWhole(Path("first"))));
  ASSERT_NO_FATAL_FAILURE(follower.Take(ReadWhole(Path("second"))));
  EXPECT_EQ(follower.received, status.records);
  close(ready[0]);
  close(ready[1]);
}

}  // namespace
}  // namespace kchan::guest
