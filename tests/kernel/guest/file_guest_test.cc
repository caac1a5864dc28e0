// SPDX-License-Identifier: Apache-2.0
// The kernel writes a file: whole frames, every record in exactly one of them
// or counted as lost, through rotation.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "file_testing.h"
#include "frames.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

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
  // Without a file the queue is sure to overflow.
  uint64_t attempts = 3000;
  EXPECT_EQ(Write({.count = 3000}), ENOBUFS);
  ASSERT_EQ(holder.Output(Path("out")), 0);
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

}  // namespace
}  // namespace kchan::guest
