// SPDX-License-Identifier: Apache-2.0
// The kernel reads a file of commands: each whole frame once, and it says where
// it stopped and why.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <thread>

#include "frames.h"
#include "kernel_file.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

constexpr char kChannel[] = "test.file";

std::string Command(const Write& write) {
  return MakeFrame(kWriteType, {reinterpret_cast<const char*>(&write), sizeof(write)});
}

class FileCommandsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error);
    ASSERT_EQ(disk_.error(), 0) << std::strerror(disk_.error());
    ASSERT_EQ(holder_.Attach(kChannel), 0);
    ASSERT_EQ(holder_.Output(SmallDisk::Path("out")), 0);
    file_ = open(SmallDisk::Path("commands").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_GE(file_, 0);
  }
  void TearDown() override { close(file_); }

  // Appends to the file of commands, whose position stays.
  void Append(std::string_view bytes) {
    const off_t end = lseek(file_, 0, SEEK_END);
    ASSERT_EQ(pwrite(file_, bytes.data(), bytes.size(), end), ssize_t(bytes.size()));
    ASSERT_EQ(lseek(file_, position_, SEEK_SET), position_);
  }
  int Hand() {
    const int error = holder_.Commands(file_, &told_);
    position_ = off_t(told_.position);
    return error;
  }
  bool WasWritten(uint64_t records) {
    return Eventually([&] { return holder_.Status().records == records; });
  }

  ScopedModule testbed_{"kchan_testbed"};
  SmallDisk disk_{"1m"};
  Holder holder_;
  int file_ = -1;
  off_t position_ = 0;
  kchan_file_hand told_{};
};

TEST_F(FileCommandsTest, EachIsTakenOnce) {
  const std::string commands =
      Command({.count = 1}) + Command({.count = 2}) + Command({.count = 4});
  Append(commands);
  ASSERT_EQ(Hand(), 0);
  EXPECT_EQ(told_.records, 3u);
  EXPECT_EQ(told_.status, 0u);
  EXPECT_EQ(told_.position, commands.size());
  EXPECT_TRUE(WasWritten(7));
  // The file's position has moved, as by read().
  EXPECT_EQ(lseek(file_, 0, SEEK_CUR), off_t(commands.size()));
  ASSERT_EQ(Hand(), 0);
  EXPECT_EQ(told_.records, 0u);
  Append(Command({.count = 8}));
  ASSERT_EQ(Hand(), 0);
  EXPECT_EQ(told_.records, 1u);
  EXPECT_TRUE(WasWritten(15));
}

TEST_F(FileCommandsTest, RefusalDoesNotStopTheRest) {
  Append(Command({.count = 1}) + Command({.count = 1, .length = 1}) +
         MakeFrame(kWriteType, "short") + MakeFrame(77, "no such type") + Command({.count = 2}));
  ASSERT_EQ(Hand(), 0);
  EXPECT_EQ(told_.records, 5u);
  EXPECT_EQ(told_.status, uint32_t(EINVAL));
  EXPECT_TRUE(WasWritten(3));
}

TEST_F(FileCommandsTest, TornFrameStopsAtItsStart) {
  const std::string whole = Command({.count = 1});
  for (size_t torn = 1; torn < whole.size(); torn++) {
    ASSERT_EQ(ftruncate(file_, 0), 0);
    position_ = 0;
    Append(whole + whole.substr(0, torn));
    ASSERT_EQ(Hand(), EBADMSG) << torn;
    ASSERT_EQ(told_.records, 1u);
    ASSERT_EQ(told_.position, whole.size());
  }
  // Its rest has come.
  Append(whole.substr(whole.size() - 1));
  EXPECT_EQ(Hand(), 0);
  EXPECT_EQ(told_.records, 1u);
}

TEST_F(FileCommandsTest, NonsenseStopsWhereItBegins) {
  const std::string whole = Command({.count = 1});
  std::string no_magic = whole;
  no_magic[0] ^= 1;
  std::string too_long = whole;
  const uint32_t length = KCHAN_MAX_RECORD_BYTES + 1;
  std::memcpy(too_long.data() + offsetof(kchan_frame, length), &length, sizeof(length));
  for (const std::string& nonsense : {no_magic, too_long, std::string(1000, '\0')}) {
    ASSERT_EQ(ftruncate(file_, 0), 0);
    position_ = 0;
    Append(whole + nonsense + whole);
    EXPECT_EQ(Hand(), EBADMSG);
    EXPECT_EQ(told_.records, 1u);
    EXPECT_EQ(told_.position, whole.size());
  }
}

TEST_F(FileCommandsTest, LongestCommandIsTheChannels) {
  // The longest that a frame can hold is read, and refused by the channel.
  Append(MakeFrame(kWriteType, std::string(KCHAN_MAX_RECORD_BYTES, '\0')) + Command({.count = 1}));
  ASSERT_EQ(Hand(), 0);
  EXPECT_EQ(told_.records, 2u);
  EXPECT_EQ(told_.status, uint32_t(EMSGSIZE));
  EXPECT_TRUE(WasWritten(1));
}

TEST_F(FileCommandsTest, NeedsAFileThatCanBeRead) {
  const int write_only = open(SmallDisk::Path("commands").c_str(), O_WRONLY | O_CLOEXEC);
  EXPECT_EQ(holder_.Commands(write_only, &told_), EBADF);
  close(write_only);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(holder_.Commands(null, &told_), EINVAL);
  close(null);
  told_ = {};
  told_.fd = file_;
  told_.role = KCHAN_FILE_COMMANDS;
  told_.sync = KCHAN_SYNC_ALWAYS;
  EXPECT_EQ(holder_.Hand(&told_), EINVAL);
}

TEST_F(FileCommandsTest, FirstRefusalHasTheChannelsWords) {
  std::string words(KCHAN_DOC_BYTES, 'x');
  const auto hand = [&](const std::string& commands) {
    Append(commands);
    told_ = {};
    told_.fd = file_;
    told_.role = KCHAN_FILE_COMMANDS;
    told_.text = reinterpret_cast<uintptr_t>(words.data());
    const int error = holder_.Hand(&told_);
    position_ = off_t(told_.position);
    return error;
  };
  ASSERT_EQ(hand(Command({.count = 1})), 0);
  EXPECT_STREQ(words.c_str(), "");
  ASSERT_EQ(hand(Command({.count = 1, .length = 1}) + MakeFrame(77, "no such type")), 0);
  EXPECT_STREQ(words.c_str(), "no such length or form");

  Append(Command({.count = 1}));
  told_ = {};
  told_.fd = file_;
  told_.role = KCHAN_FILE_COMMANDS;
  told_.text = 1;  // no memory of ours
  EXPECT_EQ(holder_.Hand(&told_), EFAULT);
  ASSERT_EQ(Hand(), 0);
  EXPECT_EQ(told_.records, 1u) << "it was not taken before";
}

TEST_F(FileCommandsTest, WritersAreAnyNumberBesideTheHolder) {
  Holder first, second;
  ASSERT_EQ(first.AttachWriter(kChannel), 0);
  ASSERT_EQ(second.AttachWriter(kChannel), 0);
  Append(Command({.count = 1}));
  ASSERT_EQ(first.Commands(file_, &told_), 0);
  EXPECT_EQ(told_.records, 1u);
  position_ = off_t(told_.position);
  Append(Command({.count = 2}));
  ASSERT_EQ(second.Commands(file_, &told_), 0);
  EXPECT_EQ(told_.records, 1u);
  EXPECT_TRUE(WasWritten(3));

  // What the kernel writes is the holder's affair.
  EXPECT_EQ(first.Output(SmallDisk::Path("other")), EOPNOTSUPP);
  kchan_file_status status{};
  EXPECT_EQ(ioctl(first.fd(), KCHAN_IOC_FILE_STATUS, &status), -1);
  EXPECT_EQ(errno, ENOTTY);

  pollfd polled{.fd = first.fd(), .events = POLLIN | POLLOUT, .revents = 0};
  EXPECT_EQ(poll(&polled, 1, 0), 1);
  EXPECT_EQ(polled.revents, POLLOUT);
  ASSERT_EQ(UnloadModule("kchan_testbed"), 0);
  EXPECT_EQ(poll(&polled, 1, 0), 1);
  EXPECT_EQ(polled.revents, POLLHUP);
  position_ = off_t(told_.position);
  Append(Command({.count = 1}));
  EXPECT_EQ(first.Commands(file_, &told_), ESHUTDOWN);
}

TEST_F(FileCommandsTest, WriterLeavesTheSourceAlone) {
  GenlSocket socket;
  ASSERT_EQ(socket.Do(KCHAN_CMD_CHANNEL_SET, Named(kChannel).U32(KCHAN_A_LINGER_MS, 1)).error, 0);
  holder_.Close();
  ASSERT_TRUE(Eventually([&] { return StateOf(socket, kChannel) == KCHAN_STATE_IDLE; }));
  Holder writer;
  ASSERT_EQ(writer.AttachWriter(kChannel), 0);
  EXPECT_EQ(StateOf(socket, kChannel), KCHAN_STATE_IDLE);
  Append(Command({.count = 0}));
  ASSERT_EQ(writer.Commands(file_, &told_), 0);
  EXPECT_EQ(told_.records, 1u);
  EXPECT_EQ(told_.status, 0u);
}

TEST_F(FileCommandsTest, DeadChannelTakesNone) {
  Append(Command({.count = 1}));
  ASSERT_EQ(UnloadModule("kchan_testbed"), 0);
  EXPECT_EQ(Hand(), ESHUTDOWN);
  EXPECT_EQ(told_.records, 0u);
  EXPECT_EQ(told_.position, 0u);
}

// What the kernel has written can be read by it, too: its own frames are not
// commands, and each is refused.
TEST_F(FileCommandsTest, OwnFramesAreNoCommands) {
  Append(Command({.count = 3}));
  ASSERT_EQ(Hand(), 0);
  ASSERT_TRUE(WasWritten(3));
  const int out = open(SmallDisk::Path("out").c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(holder_.Commands(out, &told_), 0);
  EXPECT_EQ(told_.records, 3u);
  EXPECT_EQ(told_.status, uint32_t(EINVAL));
  close(out);
}

}  // namespace
}  // namespace kchan::guest
