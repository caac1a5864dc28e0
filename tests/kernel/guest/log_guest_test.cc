// SPDX-License-Identifier: Apache-2.0
// Lines of LOG channels, as /dev/kmsg has them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "testbed.h"

namespace kchan::guest {
namespace {

constexpr char kChannel[] = "test.log";

// One record of the kernel log.
struct KmsgRecord {
  int level = -1;
  std::string text;        // its escapes undone
  std::string dictionary;  // "KEY=value" lines
};

// What is said in the kernel log from now on.
class Kmsg {
 public:
  Kmsg() : fd_(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) { lseek(fd_, 0, SEEK_END); }
  ~Kmsg() { close(fd_); }
  Kmsg(const Kmsg&) = delete;
  Kmsg& operator=(const Kmsg&) = delete;

  // The next record that begins with "test.log"; none within the time.
  std::optional<KmsgRecord> Next(int timeout_ms = 10'000) {
    for (;;) {
      char buffer[8192];
      const ssize_t size = read(fd_, buffer, sizeof(buffer));
      if (size < 0 && errno == EAGAIN) {
        pollfd polled{.fd = fd_, .events = POLLIN, .revents = 0};
        if (poll(&polled, 1, timeout_ms) != 1) return std::nullopt;
        continue;
      }
      EXPECT_GT(size, 0) << std::strerror(errno);
      if (size <= 0) return std::nullopt;
      KmsgRecord record = Parse(std::string(buffer, static_cast<size_t>(size)));
      if (record.text.starts_with(kChannel)) return record;
    }
  }

 private:
  static KmsgRecord Parse(const std::string& bytes) {
    KmsgRecord record;
    const size_t text = bytes.find(';') + 1;
    const size_t end = bytes.find('\n', text);
    record.level = std::stoi(bytes) & 7;
    record.text = Unescape(bytes.substr(text, end - text));
    record.dictionary = bytes.substr(end + 1);
    return record;
  }
  // /dev/kmsg's own escapes.
  static std::string Unescape(const std::string& escaped) {
    std::string text;
    for (size_t i = 0; i < escaped.size(); i++) {
      if (escaped[i] == '\\' && i + 3 < escaped.size() && escaped[i + 1] == 'x') {
        text += static_cast<char>(std::stoi(escaped.substr(i + 2, 2), nullptr, 16));
        i += 3;
      } else {
        text += escaped[i];
      }
    }
    return text;
  }

  const int fd_;
};

// Adds up lines and sums as the channel's numbers say they must.
struct Follower {
  uint64_t sequence = 0;  // covered so far
  uint64_t lines = 0;
  uint64_t withheld = 0;

  void Take(const std::string& text) {
    unsigned long long number, count;
    if (std::sscanf(text.c_str(), "test.log#%llu: ", &number) == 1) {
      ASSERT_GT(number, sequence);
      sequence = number;
      lines++;
    } else {
      ASSERT_EQ(
          std::sscanf(text.c_str(), "test.log: %llu lines withheld, up to #%llu", &count, &number),
          2)
          << text;
      ASSERT_GE(number, sequence);
      sequence = number;
      withheld += count;
      EXPECT_EQ(lines + withheld, number) << "a sum covers all before it";
    }
  }
};

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(testlog_->error, 0) << std::strerror(testlog_->error);
    ASSERT_EQ(owner_->Do(KCHAN_CMD_ENABLE, Named(kChannel)).error, 0);
  }

  // A positive errno or 0.
  int Say(const std::string& text, uint32_t count = 1) {
    std::string payload(reinterpret_cast<const char*>(&count), sizeof(count));
    payload += text;
    return socket_
        .Do(KCHAN_CMD_SEND, Named("test.log.write")
                                .U16(KCHAN_A_RECORD_TYPE, 1)
                                .Put(KCHAN_A_PAYLOAD, payload.data(), payload.size()))
        .error;
  }
  std::string SaidAs(Kmsg& kmsg, const std::string& text) {
    EXPECT_EQ(Say(text), 0);
    const auto record = kmsg.Next();
    return record ? record->text : "nothing";
  }

  std::unique_ptr<ScopedModule> testlog_ = std::make_unique<ScopedModule>("kchan_testlog");
  GenlSocket socket_;
  std::unique_ptr<GenlSocket> owner_ = std::make_unique<GenlSocket>();
};

TEST_F(LogTest, LineHasItsNumberAndItsDevice) {
  Kmsg kmsg;
  ASSERT_EQ(Say("hello, world"), 0);
  const auto record = kmsg.Next();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->text, "test.log#1: hello, world");
  EXPECT_EQ(record->level, 6);
  EXPECT_EQ(record->dictionary, " SUBSYSTEM=kchan\n DEVICE=+kchan:test.log\n");
  EXPECT_EQ(access("/sys/class/kchan/test.log", F_OK), 0);
}

TEST_F(LogTest, DescribesItself) {
  const Parsed channel = GetChannel(socket_, kChannel);
  EXPECT_EQ(channel.U32(KCHAN_A_TRANSPORT), KCHAN_TRANSPORT_LOG);
  EXPECT_EQ(channel.U32(KCHAN_A_DIRECTION), KCHAN_DIRECTION_TO_USER);
  const Answer answer = socket_.Do(KCHAN_CMD_SCHEMA_GET, Named(kChannel));
  ASSERT_EQ(answer.error, 0);
  const Parsed type =
      answer.messages[0].attributes.Nests(KCHAN_A_SCHEMA)[0].Nests(KCHAN_SCHEMA_A_TYPE)[0];
  EXPECT_EQ(type.U16(KCHAN_TYPE_A_ID), KCHAN_LOG_TYPE_LINE);
  EXPECT_EQ(type.String(KCHAN_TYPE_A_NAME), "line");
  const Parsed field = type.Nests(KCHAN_TYPE_A_FIELD)[0];
  EXPECT_EQ(field.String(KCHAN_FIELD_A_NAME), "text");
  EXPECT_EQ(field.U32(KCHAN_FIELD_A_KIND), KCHAN_FIELD_STRING_REST);
}

TEST_F(LogTest, NoTextForgesALine) {
  Kmsg kmsg;
  EXPECT_EQ(SaidAs(kmsg, "one\ntest.log#9: two"), "test.log#1: one\\x0atest.log#9: two");
  EXPECT_EQ(SaidAs(kmsg, "\x1b[31mred\x7f\r\t\x9b\xc3\xa9\\"),
            "test.log#2: \\x1b[31mred\\x7f\\x0d\\x09\\x9b\\xc3\\xa9\\x5c");
  EXPECT_EQ(SaidAs(kmsg, "<0>urgent"), "test.log#3: <0>urgent") << "no level of its own";
  EXPECT_EQ(SaidAs(kmsg, "%s%n"), "test.log#4: %s%n");
  EXPECT_EQ(SaidAs(kmsg, std::string("ends\0here", 9)), "test.log#5: ends");
  EXPECT_EQ(SaidAs(kmsg, "by habit\n"), "test.log#6: by habit");
  EXPECT_EQ(SaidAs(kmsg, ""), "test.log#7: ");
}

TEST_F(LogTest, LongTextIsCutWithAMark) {
  Kmsg kmsg;
  const std::string whole(799, 'a');
  EXPECT_EQ(SaidAs(kmsg, whole), "test.log#1: " + whole);
  EXPECT_EQ(SaidAs(kmsg, whole + "a"), "test.log#2: " + whole.substr(3) + "...");
  std::string escapes;
  for (int i = 0; i < 199; i++) escapes += "\\x01";
  EXPECT_EQ(SaidAs(kmsg, std::string(4000, '\x01')), "test.log#3: " + escapes + "...");
}

// Most are withheld by the limit, some lost in a queue that is too small, and
// the sums say exactly how many in all.
TEST_F(LogTest, LinesAndSumsAddUp) {
  Kmsg kmsg;
  Follower follower;
  uint64_t attempts = 0;
  for (const uint32_t count : {1u, 50u, 3000u, 1u}) {
    Say(std::string(40, 'x'), count);
    attempts += count;
  }
  while (follower.sequence < attempts) {
    const auto record = kmsg.Next();
    ASSERT_TRUE(record) << "stuck at " << follower.sequence << " of " << attempts;
    ASSERT_NO_FATAL_FAILURE(follower.Take(record->text));
  }
  EXPECT_EQ(follower.lines + follower.withheld, attempts);
  EXPECT_GE(follower.lines, 20u);
  EXPECT_GT(follower.withheld, 0u);
}

TEST_F(LogTest, LossThatNoLineFollowsIsSummedUp) {
  Kmsg kmsg;
  Say(std::string(60, 'x'), 1000);
  uint64_t withheld = 0;
  Follower follower;
  while (follower.sequence < 1000) {
    const auto record = kmsg.Next();
    ASSERT_TRUE(record);
    ASSERT_NO_FATAL_FAILURE(follower.Take(record->text));
    withheld = follower.withheld;
  }
  EXPECT_EQ(follower.lines + withheld, 1000u);
  // Quiet afterwards: nothing more is said, of itself.
  EXPECT_FALSE(kmsg.Next(500));
}

TEST_F(LogTest, LineLongerThanARecordIsLostAndSummedUp) {
  constexpr size_t kLongest = 4096;
  Kmsg kmsg;
  EXPECT_EQ(Say(std::string(kLongest + 1, 'x')), EMSGSIZE);
  const auto sum = kmsg.Next();
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->text, "test.log: 1 lines withheld, up to #1");
  EXPECT_EQ(SaidAs(kmsg, std::string(kLongest, 'x')),
            "test.log#2: " + std::string(796, 'x') + "...");
}

TEST_F(LogTest, WhatIsSaidWithoutDemandIsNotSaid) {
  ASSERT_EQ(socket_.Do(KCHAN_CMD_CHANNEL_SET, Named(kChannel).U32(KCHAN_A_LINGER_MS, 1)).error, 0);
  owner_.reset();
  ASSERT_TRUE(Eventually([&] { return StateOf(socket_, kChannel) == KCHAN_STATE_IDLE; }));
  EXPECT_EQ(Say("nobody"), ENODEV);
}

TEST_F(LogTest, LingeringLinesWaitForTheNext) {
  Kmsg kmsg;
  EXPECT_EQ(SaidAs(kmsg, "first"), "test.log#1: first");
  EXPECT_EQ(owner_->Do(KCHAN_CMD_DISABLE, Named(kChannel)).error, 0);
  ASSERT_EQ(Say("second"), 0);
  EXPECT_FALSE(kmsg.Next(300));
  const Answer again = owner_->Do(KCHAN_CMD_ENABLE, Named(kChannel));
  EXPECT_EQ(again.messages[0].attributes.U64(KCHAN_A_SEQUENCE), 1u);
  const auto record = kmsg.Next();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->text, "test.log#2: second");
}

TEST_F(LogTest, UnloadSaysWhatIsLeft) {
  Kmsg kmsg;
  Say("last words", 100);
  testlog_.reset();
  Follower follower;
  while (follower.sequence < 100) {
    const auto record = kmsg.Next(1000);
    ASSERT_TRUE(record) << "stuck at " << follower.sequence;
    ASSERT_NO_FATAL_FAILURE(follower.Take(record->text));
  }
  EXPECT_EQ(follower.lines + follower.withheld, 100u);
  EXPECT_NE(access("/sys/class/kchan/test.log", F_OK), 0);
}

}  // namespace
}  // namespace kchan::guest
