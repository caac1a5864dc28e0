// SPDX-License-Identifier: Apache-2.0
// The numbers of a CHARDEV channel's records: what is lost shows, exactly.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "chardev_file.h"

namespace kchan::guest {
namespace {

constexpr char kChannel[] = "test.chardev";

// Follows a channel's numbers as its only reader.
struct Follower {
  uint64_t sequence = 0;  // covered so far
  uint64_t received = 0;
  uint64_t lost = 0;
  uint64_t lost_frames = 0;

  void Take(const Frame& frame) {
    const uint64_t number = frame.header.sequence;
    ASSERT_GT(number, sequence);
    if (frame.header.type == KCHAN_FRAME_LOST) {
      EXPECT_TRUE(frame.payload.empty());
      lost += number - sequence;
      lost_frames++;
    } else {
      lost += number - sequence - 1;
      received++;
      // The testbed numbers its attempts as the channel must.
      EXPECT_EQ(CounterOf(frame.payload), number);
    }
    sequence = number;
  }
};

class ChardevLossTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error); }

  // Takes frames until number `last` is covered.
  void Follow(const ChardevFile& file, Follower& follower, uint64_t last) {
    while (follower.sequence < last) {
      ASSERT_TRUE(file.WaitReadable()) << "stuck at " << follower.sequence << " of " << last;
      ssize_t result;
      for (const Frame& frame : ParseFrames(file.Read(&result, 4096))) {
        ASSERT_NO_FATAL_FAILURE(follower.Take(frame));
      }
      ASSERT_GT(result, 0);
    }
  }

  ScopedModule testbed_{"kchan_testbed"};
  GenlSocket socket_;
};

// The queue holds less than one command writes: some are lost, and each is
// counted, whichever end of the burst it is at.
TEST_F(ChardevLossTest, ReceivedAndLostAddUp) {
  const ChardevFile file = ChardevFile::Attached(kChannel);
  ASSERT_EQ(file.error(), 0);
  Follower follower;
  uint64_t attempts = 0;
  for (const uint32_t count : {1u, 10u, 3000u, 1u, 5000u}) {
    WriteRecords(socket_, kChannel, {.count = count, .length = 64});
    attempts += count;
    ASSERT_NO_FATAL_FAILURE(Follow(file, follower, attempts));
    EXPECT_EQ(follower.received + follower.lost, attempts);
  }
  EXPECT_EQ(follower.sequence, attempts);
  EXPECT_GT(follower.lost, 0u);
  EXPECT_GT(follower.lost_frames, 0u);
  const Answer stats = socket_.Do(KCHAN_CMD_STATS_GET, Named(kChannel));
  const Parsed queue = stats.messages[0].attributes.Nests(KCHAN_A_RING_STATS)[0];
  EXPECT_EQ(queue.U64(KCHAN_STATS_A_RECORDS), follower.received);
  EXPECT_EQ(queue.U64(KCHAN_STATS_A_LOST), follower.lost);
  EXPECT_EQ(queue.U64(KCHAN_STATS_A_FILL_BYTES), 0u);
}

TEST_F(ChardevLossTest, LossThatNoRecordFollowsIsTold) {
  const ChardevFile file = ChardevFile::Attached(kChannel, O_RDWR | O_NONBLOCK);
  EXPECT_EQ(WriteRecords(socket_, kChannel, {.count = 3, .length = 5000}), EMSGSIZE);
  ASSERT_TRUE(file.WaitReadable());
  ssize_t result;
  file.Read(&result, sizeof(kchan_frame) - 1);
  EXPECT_EQ(result, -EMSGSIZE);
  const std::vector<Frame> frames = ParseFrames(file.Read(&result));
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].header.type, KCHAN_FRAME_LOST);
  EXPECT_EQ(frames[0].header.sequence, 3u);
  EXPECT_EQ(frames[0].header.length, 0u);
  // Once.
  EXPECT_EQ(file.Poll(), POLLOUT);
  file.Read(&result);
  EXPECT_EQ(result, -EAGAIN);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {}), 0);
  EXPECT_EQ(ParseFrames(file.Read(&result))[0].header.sequence, 4u);
}

// A node has no numbers to show; a loss must not wake it into a loop, either.
TEST_F(ChardevLossTest, NodeIsNotWokenByALoss) {
  const ChardevFile node = ChardevFile::Node(kChannel, O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(WriteRecords(socket_, kChannel, {.count = 3, .length = 5000}), EMSGSIZE);
  EXPECT_EQ(node.Poll(), 0);
  ssize_t result;
  node.Read(&result);
  EXPECT_EQ(result, -EAGAIN);
  // Who sees numbers learns of what the node's reader passed over.
  const ChardevFile file = ChardevFile::Attached(kChannel, O_RDWR | O_NONBLOCK);
  EXPECT_EQ(file.attached().sequence, 0u);
  ASSERT_EQ(file.Poll(), POLLIN | POLLOUT);
  EXPECT_EQ(ParseFrames(file.Read(&result))[0].header.sequence, 3u);
}

TEST_F(ChardevLossTest, SuccessorWithinLingerGetsWhatWasKept) {
  auto first = std::make_unique<ChardevFile>(ChardevFile::Attached(kChannel));
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 2}), 0);
  Follower follower;
  ASSERT_NO_FATAL_FAILURE(Follow(*first, follower, 2));
  const uint64_t generation = first->attached().generation;
  first.reset();
  EXPECT_EQ(StateOf(socket_, kChannel), KCHAN_STATE_LIVE);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 5}), 0);

  const ChardevFile second = ChardevFile::Attached(kChannel);
  EXPECT_EQ(second.attached().generation, generation);
  EXPECT_EQ(second.attached().sequence, 2u);
  ASSERT_NO_FATAL_FAILURE(Follow(second, follower, 7));
  EXPECT_EQ(follower.received, 7u);
}

TEST_F(ChardevLossTest, AfterTheLingerNumbersBeginAnew) {
  ASSERT_EQ(socket_.Do(KCHAN_CMD_CHANNEL_SET, Named(kChannel).U32(KCHAN_A_LINGER_MS, 1)).error, 0);
  uint64_t generation;
  {
    const ChardevFile first = ChardevFile::Attached(kChannel);
    generation = first.attached().generation;
    ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 5}), 0);
  }
  ASSERT_TRUE(Eventually([&] { return StateOf(socket_, kChannel) == KCHAN_STATE_IDLE; }));
  const ChardevFile second = ChardevFile::Attached(kChannel, O_RDWR | O_NONBLOCK);
  EXPECT_NE(second.attached().generation, generation);
  EXPECT_EQ(second.attached().sequence, 0u);
  ssize_t result;
  second.Read(&result);
  EXPECT_EQ(result, -EAGAIN);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {}), 0);
  EXPECT_EQ(ParseFrames(second.Read(&result))[0].header.sequence, 1u);
}

TEST_F(ChardevLossTest, WhoOnlyWritesDoesNotStartTheSource) {
  const ChardevFile writer = ChardevFile::Node(kChannel, O_WRONLY);
  ASSERT_EQ(writer.error(), 0);
  EXPECT_EQ(StateOf(socket_, kChannel), KCHAN_STATE_IDLE);
  EXPECT_EQ(writer.Command({.count = 1}), -ENODEV) << "nobody reads";
  const ChardevFile reader = ChardevFile::Node(kChannel, O_RDONLY);
  EXPECT_EQ(StateOf(socket_, kChannel), KCHAN_STATE_LIVE);
  EXPECT_EQ(writer.Command({.count = 1}), static_cast<ssize_t>(sizeof(Write)));
}

TEST_F(ChardevLossTest, OpensErrorIsTheSources) {
  ASSERT_EQ(
      socket_
          .Do(KCHAN_CMD_CHANNEL_SET, Named(kChannel).Nest(KCHAN_A_PARAM, Param("refuse", ENODATA)))
          .error,
      0);
  EXPECT_EQ(ChardevFile::Node(kChannel).error(), ENODATA);
  EXPECT_EQ(ChardevFile::Attached(kChannel).error(), ENODATA);
  EXPECT_EQ(ChardevFile::Node(kChannel, O_WRONLY).error(), 0);
}

}  // namespace
}  // namespace kchan::guest
