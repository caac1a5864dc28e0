// SPDX-License-Identifier: Apache-2.0
// What read(), write() and poll() of a CHARDEV channel give and take, by its
// node and by attached files. Who waits for whom: chardev_wait_guest_test.cc.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "chardev_file.h"

namespace kchan::guest {
namespace {

constexpr char kChannel[] = "test.chardev";
constexpr char kBytes[] = "test.bytes";

class ChardevTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error); }

  ScopedModule testbed_{"kchan_testbed"};
  GenlSocket socket_;
};

TEST_F(ChardevTest, DescribesItself) {
  const Parsed channel = GetChannel(socket_, kChannel);
  EXPECT_EQ(channel.U32(KCHAN_A_TRANSPORT), KCHAN_TRANSPORT_CHARDEV);
  EXPECT_EQ(channel.String(KCHAN_A_PATH), "/dev/kchan.test.chardev");
  EXPECT_EQ(channel.U32(KCHAN_A_VOLUME), KCHAN_VOLUME_MESSAGES);
  EXPECT_FALSE(channel.Has(KCHAN_A_BYTE_STREAM));
  EXPECT_TRUE(GetChannel(socket_, kBytes).Has(KCHAN_A_BYTE_STREAM));
  const Answer node = socket_.Do(KCHAN_CMD_NODE_GET);
  EXPECT_TRUE(node.messages[0].attributes.U64(KCHAN_A_FEATURES) & KCHAN_FEATURE_CHARDEV);
}

// ---- The node ---------------------------------------------------------------

TEST_F(ChardevTest, NodeGivesOnePayloadForARead) {
  const ChardevFile node = ChardevFile::Node(kChannel);
  ASSERT_EQ(node.error(), 0);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 1, .length = 100}), 0);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 1, .length = 9}), 0);
  ssize_t result;
  const std::string first = node.Read(&result);
  EXPECT_EQ(result, 100);
  EXPECT_EQ(CounterOf(first), 1u);
  const std::string second = node.Read(&result);
  EXPECT_EQ(result, 9);
  EXPECT_EQ(CounterOf(second), 2u);
}

TEST_F(ChardevTest, NodeTakesOneCommandForAWrite) {
  const ChardevFile node = ChardevFile::Node(kChannel, O_RDWR | O_NONBLOCK);
  EXPECT_EQ(node.Command({.count = 3}), static_cast<ssize_t>(sizeof(Write)));
  for (uint64_t i = 1; i <= 3; i++) {
    ssize_t result;
    EXPECT_EQ(CounterOf(node.Read(&result)), i);
  }
  EXPECT_EQ(node.Write(std::string(sizeof(Write) - 1, '\0')), -EINVAL) << "shorter than its type";
  EXPECT_EQ(node.Write(std::string(4097, '\0')), -EMSGSIZE) << "longer than the channel allows";
  EXPECT_EQ(node.Command({.length = 0}), -EINVAL) << "what the module says";
  EXPECT_EQ(node.Write(""), 0);
  ssize_t result;
  node.Read(&result);
  EXPECT_EQ(result, -EAGAIN);
}

TEST_F(ChardevTest, BufferThatIsTooSmallKeepsTheRecord) {
  const ChardevFile node = ChardevFile::Node(kChannel);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.length = 100}), 0);
  ssize_t result;
  node.Read(&result, 99);
  EXPECT_EQ(result, -EMSGSIZE);
  node.Read(&result, 0);
  EXPECT_EQ(result, 0);
  EXPECT_EQ(CounterOf(node.Read(&result, 100)), 1u);
  EXPECT_EQ(result, 100);
}

TEST_F(ChardevTest, BufferThatIsNotThereKeepsTheRecord) {
  const ChardevFile node = ChardevFile::Node(kChannel);
  const ChardevFile frames = ChardevFile::Attached(kChannel);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 2, .length = 100}), 0);
  // The second page of two is gone: what is copied ends in the middle.
  const size_t page = Mapping::PageBytes();
  auto* const pages = static_cast<char*>(
      mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  ASSERT_EQ(munmap(pages + page, page), 0);
  EXPECT_EQ(read(node.fd(), pages + page - 50, 100), -1);
  EXPECT_EQ(errno, EFAULT);
  // One whole frame fits before the hole, and is given; the other stays.
  EXPECT_EQ(read(frames.fd(), pages + page - FrameBytes(100) - 50, 4096),
            static_cast<ssize_t>(FrameBytes(100)));
  munmap(pages, page);
  ssize_t result;
  EXPECT_EQ(CounterOf(node.Read(&result)), 2u);
}

TEST_F(ChardevTest, NonBlockingReadOfNothingSaysSo) {
  for (const ChardevFile& file : {ChardevFile::Node(kChannel, O_RDONLY | O_NONBLOCK),
                                  ChardevFile::Attached(kChannel, O_RDWR | O_NONBLOCK)}) {
    ssize_t result;
    file.Read(&result);
    EXPECT_EQ(result, -EAGAIN);
  }
}

TEST_F(ChardevTest, PollSaysWhatCanBeDone) {
  const ChardevFile node = ChardevFile::Node(kChannel);
  const ChardevFile writer = ChardevFile::Node(kChannel, O_WRONLY);
  EXPECT_EQ(node.Poll(), POLLOUT);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 2}), 0);
  ASSERT_TRUE(node.WaitReadable());
  EXPECT_EQ(node.Poll(), POLLIN | POLLOUT);
  EXPECT_EQ(writer.Poll(), POLLOUT);
  ssize_t result;
  node.Read(&result);
  EXPECT_EQ(node.Poll(), POLLIN | POLLOUT);
  node.Read(&result);
  EXPECT_EQ(node.Poll(), POLLOUT);
}

TEST_F(ChardevTest, BytesComeInAnyParts) {
  const ChardevFile node = ChardevFile::Node(kBytes, O_RDWR | O_NONBLOCK);
  ASSERT_EQ(WriteRecords(socket_, kBytes, {.count = 3, .length = 10}), 0);
  std::string expected;
  for (uint64_t i = 1; i <= 3; i++) {
    expected += std::string(reinterpret_cast<const char*>(&i), sizeof(i)) + std::string(2, '\0');
  }
  std::string got;
  for (const size_t bytes : {1u, 8u, 1u, 13u, 100u}) {
    ssize_t result;
    got += node.Read(&result, bytes);
  }
  EXPECT_EQ(got, expected);
  ssize_t result;
  node.Read(&result);
  EXPECT_EQ(result, -EAGAIN);
}

TEST_F(ChardevTest, FrameHasTheRestOfWhatTheNodeBegan) {
  const ChardevFile node = ChardevFile::Node(kBytes);
  const ChardevFile attached = ChardevFile::Attached(kBytes);
  ASSERT_EQ(WriteRecords(socket_, kBytes, {.count = 2, .length = 100}), 0);
  ssize_t result;
  EXPECT_EQ(node.Read(&result, 60).size(), 60u);
  const std::vector<Frame> frames = ParseFrames(attached.Read(&result));
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].header.sequence, 1u);
  EXPECT_EQ(frames[0].payload.size(), 40u);
  EXPECT_EQ(frames[1].payload.size(), 100u);
}

TEST_F(ChardevTest, BytesThatAreWrittenAreCutIntoRecords) {
  const ChardevFile node = ChardevFile::Node(kBytes, O_RDWR | O_NONBLOCK);
  // Each 4096 bytes are a record, which begins with a command.
  std::string bytes(3 * 4096 + sizeof(Write), '\0');
  for (size_t at = 0; at < bytes.size(); at += 4096) {
    const Write command{.count = 1};
    std::memcpy(bytes.data() + at, &command, sizeof(command));
  }
  EXPECT_EQ(node.Write(bytes), static_cast<ssize_t>(bytes.size()));
  ssize_t result;
  EXPECT_EQ(node.Read(&result).size(), 4 * sizeof(uint64_t));
  // The second is refused: the first was taken.
  std::memset(bytes.data() + 4096, 0, sizeof(Write));
  EXPECT_EQ(node.Write(bytes), 4096);
}

// ---- Attached files ---------------------------------------------------------

TEST_F(ChardevTest, FramesHaveAllThatRecordsHave) {
  const ChardevFile file = ChardevFile::Attached(kChannel);
  ASSERT_EQ(file.error(), 0);
  EXPECT_NE(file.attached().generation, 0u);
  EXPECT_EQ(file.attached().sequence, 0u);
  PinToCpu(1);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 3, .length = 13}), 0);
  ssize_t result;
  const std::vector<Frame> frames = ParseFrames(file.Read(&result));
  ASSERT_EQ(frames.size(), 3u);
  uint64_t time = 0;
  for (uint64_t i = 0; i < 3; i++) {
    EXPECT_EQ(frames[i].header.type, kWrittenType);
    EXPECT_EQ(frames[i].header.flags, 0u);
    EXPECT_EQ(frames[i].header.cpu, 1u);
    EXPECT_EQ(frames[i].header.sequence, i + 1);
    EXPECT_GE(frames[i].header.boottime_ns, time);
    time = frames[i].header.boottime_ns;
    EXPECT_EQ(frames[i].payload.size(), 13u);
    EXPECT_EQ(CounterOf(frames[i].payload), i + 1);
  }
  EXPECT_GT(time, 0u);
}

TEST_F(ChardevTest, OnlyWholeFramesAreGiven) {
  const ChardevFile file = ChardevFile::Attached(kChannel, O_RDWR | O_NONBLOCK);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 3, .length = 13}), 0);
  ssize_t result;
  file.Read(&result, FrameBytes(13) - 1);
  EXPECT_EQ(result, -EMSGSIZE);
  EXPECT_EQ(ParseFrames(file.Read(&result, 3 * FrameBytes(13) - 1)).size(), 2u);
  EXPECT_EQ(ParseFrames(file.Read(&result, FrameBytes(13))).size(), 1u);
  file.Read(&result);
  EXPECT_EQ(result, -EAGAIN);
}

TEST_F(ChardevTest, FramesThatAreWrittenAreTakenUntilOneIsRefused) {
  const ChardevFile file = ChardevFile::Attached(kChannel, O_RDWR | O_NONBLOCK);
  const std::string good = CommandFrame({.count = 1});
  const std::string refused = CommandFrame({.length = 0});
  EXPECT_EQ(file.Write(good + good), static_cast<ssize_t>(2 * good.size()));
  EXPECT_EQ(file.Write(good + refused + good), static_cast<ssize_t>(good.size()));
  EXPECT_EQ(file.Write(refused), -EINVAL);
  EXPECT_EQ(file.Write(CommandFrame({}, 77)), -EINVAL) << "no such type";
  ssize_t result;
  EXPECT_EQ(ParseFrames(file.Read(&result)).size(), 3u);
}

TEST_F(ChardevTest, WhatIsNoFrameIsRefused) {
  const ChardevFile file = ChardevFile::Attached(kChannel, O_RDWR | O_NONBLOCK);
  const std::string good = CommandFrame({.count = 1});
  for (const size_t bytes :
       {size_t{1}, sizeof(kchan_frame) - 1, sizeof(kchan_frame), good.size() - 1}) {
    EXPECT_EQ(file.Write(good.substr(0, bytes)), -EBADMSG) << bytes;
  }
  EXPECT_EQ(file.Write(good + good.substr(0, 40)), static_cast<ssize_t>(good.size()));
  std::string bad = good;
  bad[0] ^= 1;
  EXPECT_EQ(file.Write(bad), -EBADMSG);
  std::string huge = good;
  const uint32_t length = 0xffffffff;
  std::memcpy(huge.data() + offsetof(kchan_frame, length), &length, sizeof(length));
  EXPECT_EQ(file.Write(huge), -EBADMSG);
  huge.resize(FrameBytes(4097));
  const uint32_t too_long = 4097;
  std::memcpy(huge.data() + offsetof(kchan_frame, length), &too_long, sizeof(too_long));
  EXPECT_EQ(file.Write(huge), -EMSGSIZE);
}

TEST_F(ChardevTest, AnAttachedFileThatOnlyWritesLeavesTheSourceAlone) {
  RingFile file(O_WRONLY);
  kchan_attach request = RingFile::Request(kChannel, KCHAN_CPU_SHARED);
  ASSERT_EQ(file.Attach(&request), 0);
  EXPECT_EQ(StateOf(socket_, kChannel), KCHAN_STATE_IDLE);
  const std::string frame = CommandFrame({.count = 0});
  EXPECT_EQ(write(file.fd(), frame.data(), frame.size()), static_cast<ssize_t>(frame.size()));
  char byte;
  EXPECT_EQ(read(file.fd(), &byte, 1), -1);
  EXPECT_EQ(errno, EBADF);
  // What is only mapped or told is for readers.
  RingFile ring(O_WRONLY);
  EXPECT_EQ(ring.Attach("test.shared", KCHAN_CPU_SHARED), EBADF);
}

TEST_F(ChardevTest, AttachNamesWhatIsWrong) {
  const auto attach = [](uint32_t cpu, uint32_t role, int flags = O_RDWR) {
    RingFile file(flags);
    kchan_attach request = RingFile::Request(kChannel, cpu);
    request.role = role;
    return file.Attach(&request);
  };
  EXPECT_EQ(attach(0, KCHAN_ROLE_READER), ENXIO);
  EXPECT_EQ(attach(KCHAN_CPU_SHARED, KCHAN_ROLE_WRITER), EOPNOTSUPP);
  EXPECT_EQ(attach(KCHAN_CPU_SHARED, KCHAN_ROLE_READER, O_RDONLY), EBADF);
  EXPECT_EQ(attach(KCHAN_CPU_SHARED, KCHAN_ROLE_READER), 0);
  // Not a ring: nothing to map, no ring's counters.
  const ChardevFile node = ChardevFile::Node(kChannel);
  EXPECT_EQ(mmap(nullptr, 4096, PROT_READ, MAP_SHARED, node.fd(), 0), MAP_FAILED);
  kchan_ring_counters counters;
  EXPECT_EQ(ioctl(node.fd(), KCHAN_IOC_COUNTERS, &counters), -1);
  EXPECT_EQ(errno, ENOTTY);
  kchan_attach request = RingFile::Request("test.shared", KCHAN_CPU_SHARED);
  EXPECT_EQ(ioctl(node.fd(), KCHAN_IOC_ATTACH, &request), -1);
  EXPECT_EQ(errno, EALREADY) << "a node is bound from the start";
}

}  // namespace
}  // namespace kchan::guest
