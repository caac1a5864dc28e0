// SPDX-License-Identifier: Apache-2.0
// The kernel writes a file: whole frames, every record in exactly one of them
// or counted as lost, through rotation, a full disk, and the ends of all that
// take part.
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
#include <vector>

#include "frames.h"
#include "kernel_file.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

constexpr char kChannel[] = "test.file";

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error);
    ASSERT_EQ(disk_.error(), 0) << std::strerror(disk_.error());
  }

  static std::string Path(const std::string& name) { return SmallDisk::Path(name); }
  int Write(const guest::Write& write) { return WriteRecords(socket_, kChannel, write); }

  // All numbers up to `sequence` are used up, in files or lost.
  bool ReachesSequence(const Holder& holder, uint64_t sequence) {
    return Eventually([&] { return holder.Status().sequence == sequence; });
  }

  ScopedModule testbed_{"kchan_testbed"};
  SmallDisk disk_{"8m"};
  GenlSocket socket_;
};

TEST_F(FileTest, FramesCarryAllOfTheRecords) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  ASSERT_EQ(holder.Output(Path("out")), 0);
  PinToCpu(1);
  ASSERT_EQ(Write({.count = 3, .length = 13, .form = Form::kHardirq}), 0);
  ASSERT_TRUE(ReachesSequence(holder, 3));
  const std::string bytes = ReadWhole(Path("out"));
  ASSERT_EQ(bytes.size(), 3 * FrameBytes(13));
  kchan_frame frame;
  std::memcpy(&frame, bytes.data(), sizeof(frame));
  EXPECT_EQ(frame.magic, KCHAN_FRAME_MAGIC);
  EXPECT_EQ(frame.length, 13u);
  EXPECT_EQ(frame.type, kWrittenType);
  EXPECT_EQ(frame.cpu, 1u);
  EXPECT_GT(frame.boottime_ns, 0u);
  EXPECT_EQ(frame.sequence, 1u);
  FrameFollower follower;
  follower.Take(bytes);
  EXPECT_EQ(follower.received, 3u);

  const kchan_file_status status = holder.Status();
  EXPECT_EQ(status.generation, holder.generation());
  EXPECT_EQ(status.position, bytes.size());
  EXPECT_EQ(status.records, 3u);
  EXPECT_EQ(status.lost, 0u);
  EXPECT_EQ(status.error, 0u);
  EXPECT_EQ(status.has_file, 1u);
}

TEST_F(FileTest, FramesAndLossesAddUp) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  ASSERT_EQ(holder.Output(Path("out")), 0);
  uint64_t attempts = 0;
  for (const uint32_t count : {1u, 100u, 3000u, 1u, 5000u, 7u}) {
    Write({.count = count, .length = 8 + count % 100});
    attempts += count;
    ASSERT_TRUE(ReachesSequence(holder, attempts)) << holder.Status().sequence;
  }
  EXPECT_EQ(Write({.count = 3, .length = 5000}), EMSGSIZE);
  ASSERT_TRUE(ReachesSequence(holder, attempts + 3)) << "losses at the tail";
  const kchan_file_status status = holder.Status();
  EXPECT_EQ(status.records + status.lost, attempts + 3);
  EXPECT_GT(status.lost, 3u);
  FrameFollower follower;
  ASSERT_NO_FATAL_FAILURE(follower.Take(ReadWhole(Path("out"))));
  EXPECT_EQ(follower.received, status.records);
  EXPECT_EQ(follower.sequence, attempts);
  EXPECT_EQ(follower.received + follower.lost, attempts);
}

TEST_F(FileTest, PollTellsWhatIsNewOnce) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  ASSERT_EQ(holder.Output(Path("out")), 0);
  EXPECT_EQ(holder.Poll(), 0);
  ASSERT_EQ(Write({}), 0);
  EXPECT_EQ(holder.Poll(10'000), POLLIN);
  EXPECT_EQ(holder.Status().records, 1u);
  EXPECT_EQ(holder.Poll(), 0);
  EXPECT_EQ(Write({.count = 1, .length = 5000}), EMSGSIZE);
  EXPECT_EQ(holder.Poll(10'000), POLLPRI);
  EXPECT_EQ(holder.Status().lost, 1u);
  EXPECT_EQ(holder.Poll(), 0);
}

TEST_F(FileTest, RecordsWaitForAFile) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  ASSERT_EQ(Write({.count = 5, .length = 64}), 0);
  EXPECT_EQ(holder.Status().has_file, 0u);
  EXPECT_EQ(holder.Status().records, 0u);
  kchan_file_hand told;
  ASSERT_EQ(holder.Output(Path("out"), &told), 0);
  EXPECT_EQ(told.position, 0u);
  EXPECT_EQ(told.sequence, 0u);
  ASSERT_TRUE(ReachesSequence(holder, 5));
  EXPECT_EQ(ReadWhole(Path("out")).size(), 5 * FrameBytes(64));
}

TEST_F(FileTest, GoesOnAtTheFilesEnd) {
  const std::string before = "what was there before";
  std::ofstream(Path("out")) << before;
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  ASSERT_EQ(holder.Output(Path("out")), 0);
  EXPECT_EQ(holder.Status().position, before.size());
  ASSERT_EQ(Write({.count = 2, .length = 64}), 0);
  ASSERT_TRUE(ReachesSequence(holder, 2));
  const std::string bytes = ReadWhole(Path("out"));
  EXPECT_EQ(bytes.size(), before.size() + 2 * FrameBytes(64));
  EXPECT_EQ(bytes.substr(0, before.size()), before);
  EXPECT_EQ(holder.Status().position, bytes.size());
}

TEST_F(FileTest, RotationUnderLoadLosesAndDoublesNothing) {
  constexpr int kFiles = 40;
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  std::atomic<bool> rotated = false;
  uint64_t attempts = 0;
  std::thread writer([&] {
    GenlSocket socket;
    // Slow enough for the queue, and it does not end before the last file.
    while (!rotated || attempts < 5000) {
      ASSERT_EQ(
          WriteRecords(socket, kChannel, {.count = 50, .length = 8 + uint32_t(attempts % 500)}), 0);
      attempts += 50;
      ASSERT_TRUE(Eventually([&] { return attempts - holder.Status().sequence < 100; }));
    }
  });
  std::vector<kchan_file_hand> told(kFiles);
  for (int i = 0; i < kFiles; i++) {
    ASSERT_EQ(holder.Output(Path(std::to_string(i)), &told[i]), 0);
    const uint64_t sequence = holder.Status().sequence;
    ASSERT_TRUE(Eventually([&] { return holder.Status().sequence > sequence; }));
  }
  rotated = true;
  writer.join();
  ASSERT_TRUE(ReachesSequence(holder, attempts));

  FrameFollower follower;
  for (int i = 0; i < kFiles; i++) {
    const std::string bytes = ReadWhole(Path(std::to_string(i)));
    ASSERT_NO_FATAL_FAILURE(follower.Take(bytes)) << "in file " << i;
    if (i + 1 == kFiles) break;
    // What the next hand-over told of this file.
    EXPECT_EQ(told[i + 1].position, bytes.size());
    EXPECT_EQ(told[i + 1].sequence, follower.sequence);
  }
  EXPECT_EQ(follower.received, attempts);
  EXPECT_EQ(follower.lost, 0u);
}

TEST_F(FileTest, SynchronisesAsToldAndSaysHowFar) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  uint64_t sequence = 0;
  const auto write_one = [&] {
    ASSERT_EQ(Write({.count = 1, .length = 1000}), 0);
    ASSERT_TRUE(ReachesSequence(holder, ++sequence));
  };
  ASSERT_EQ(holder.Output(Path("never")), 0);
  write_one();
  EXPECT_EQ(holder.Status().synced, 0u);

  ASSERT_EQ(holder.Output(Path("always"), nullptr, KCHAN_SYNC_ALWAYS), 0);
  write_one();
  EXPECT_EQ(holder.Status().synced, FrameBytes(1000));

  ASSERT_EQ(holder.Output(Path("bytes"), nullptr, KCHAN_SYNC_BYTES, 2 * FrameBytes(1000)), 0);
  write_one();
  EXPECT_EQ(holder.Status().synced, 0u);
  write_one();
  EXPECT_EQ(holder.Status().synced, 2 * FrameBytes(1000));
  write_one();
  EXPECT_EQ(holder.Status().synced, 2 * FrameBytes(1000));
}

TEST_F(FileTest, OneHolderAtATime) {
  auto first = std::make_unique<Holder>();
  ASSERT_EQ(first->Attach(kChannel), 0);
  EXPECT_EQ(Holder().Attach(kChannel), EBUSY);
  EXPECT_EQ(Holder().Attach(kChannel, 0), ENXIO);
  kchan_attach request = RingFile::Request(kChannel, KCHAN_CPU_SHARED);
  request.role = KCHAN_ROLE_WRITER;
  EXPECT_EQ(Holder().Attach(&request), EOPNOTSUPP);
  first.reset();
  EXPECT_EQ(Holder().Attach(kChannel), 0);
}

TEST_F(FileTest, WhatIsNoStoredFileIsRefused) {
  Holder holder;
  ASSERT_EQ(holder.Attach(kChannel), 0);
  const auto hand = [&](const std::string& path, int flags) {
    const int fd = open(path.c_str(), flags | O_CLOEXEC, 0600);
    EXPECT_GE(fd, 0) << path << ": " << std::strerror(errno);
    const int error = holder.Output(fd);
    close(fd);
    return error;
  };
  std::ofstream(Path("out")) << "";
  EXPECT_EQ(hand(Path("out"), O_RDONLY), EBADF);
  EXPECT_EQ(hand(Path("out"), O_PATH), EBADF);
  EXPECT_EQ(hand(Path(""), O_RDONLY), EINVAL);
  EXPECT_EQ(hand("/dev/null", O_RDWR), EINVAL);
  EXPECT_EQ(hand("/dev/kchan", O_RDWR), EINVAL);
  EXPECT_EQ(hand("/proc/self/comm", O_RDWR), EINVAL);
  EXPECT_EQ(hand("/sys/kernel/uevent_seqnum", O_RDONLY), EINVAL);
  EXPECT_EQ(holder.Output(-1), EBADF);
  EXPECT_EQ(holder.Output(holder.fd()), EINVAL);
  EXPECT_EQ(holder.Status().has_file, 0u);

  kchan_file_hand request{};
  const int fd = open(Path("out").c_str(), O_RDWR | O_CLOEXEC);
  request.fd = fd;
  request.role = 3;
  EXPECT_EQ(holder.Hand(&request), EINVAL);
  request.role = KCHAN_FILE_OUTPUT;
  request.sync = KCHAN_SYNC_ALWAYS + 1;
  EXPECT_EQ(holder.Hand(&request), EINVAL);
  request.sync = KCHAN_SYNC_BYTES;  // of no bytes
  EXPECT_EQ(holder.Hand(&request), EINVAL);
  request.sync = KCHAN_SYNC_NONE;
  request.reserved[1] = 1;
  EXPECT_EQ(holder.Hand(&request), EINVAL);
  close(fd);
}

// ---- What can go wrong ---------------------------------------------------------

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

TEST_F(FileTest, MountIsHeldUntilTheFileIsLetGo) {
  auto holder = std::make_unique<Holder>();
  ASSERT_EQ(holder->Attach(kChannel), 0);
  ASSERT_EQ(holder->Output(Path("out")), 0);
  EXPECT_EQ(disk_.MakeReadOnly(), EBUSY);
  holder.reset();
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
