// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/log_source.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "bridge/source/log_line.h"
#include "tests/unit/hub/log_testing.h"
#include "tests/unit/source/source_testing.h"

namespace kchan::testing {
namespace {

using source::KmsgRecord;
using source::LogLine;
using source::LogSource;
using source::ParseLogLine;
using source::UniqueFd;

constexpr char kDevice[] = "SUBSYSTEM=kchan\nDEVICE=+kchan:test.log";

std::optional<LogLine> Parse(const std::string& text, const std::string& dictionary = kDevice,
                             uint8_t facility = 0) {
  KmsgRecord record;
  record.facility = facility;
  record.text = text;
  record.dictionary = dictionary;
  return ParseLogLine(record, "test.log");
}

TEST(LogLineTest, ALineHasItsNumberAndText) {
  const auto line = Parse("test.log#42: door 3: open");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->sequence, 42u);
  EXPECT_EQ(line->text, "door 3: open");
  EXPECT_FALSE(line->is_summary);
  EXPECT_EQ(Parse("test.log#1: ")->text, "");
}

TEST(LogLineTest, WhatTheChannelHasEscapedIsUndone) {
  EXPECT_EQ(Parse("test.log#1: two\\x0alines \\x5cx41")->text, "two\nlines \\x41");
  EXPECT_EQ(Parse("test.log#1: \\xg1 \\x1")->text, "\\xg1 \\x1");
}

TEST(LogLineTest, ASumSaysUpToWhichNumber) {
  const auto line = Parse("test.log: 980 lines withheld, up to #1000");
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->is_summary);
  EXPECT_EQ(line->sequence, 1000u);
}

TEST(LogLineTest, OnlyTheChannelsOwnDeviceSpeaksForIt) {
  EXPECT_FALSE(Parse("test.log#1: a", ""));
  EXPECT_FALSE(Parse("test.log#1: a", "DEVICE=+kchan:test.log2"));
  EXPECT_FALSE(Parse("test.log#1: a", "DEVICE=+other:test.log"));
  EXPECT_FALSE(Parse("test.log#1: a", kDevice, /*facility=*/1));
}

TEST(LogLineTest, OtherLinesOfTheDeviceAreNotRecords) {
  for (const char* text :
       {"", "test.log", "test.log#", "test.log#x: a", "test.log#1", "test.log#1:a",
        "test.log2#1: a", "test.log: ", "test.log: 3 lines withheld, up to #",
        "test.log: 3 lines withheld, up to #9 ", "test.log#99999999999999999999: a"}) {
    EXPECT_FALSE(Parse(text)) << text;
  }
}

// A kernel log that the test writes: a datagram is one record.
class LogSourceTest : public ::testing::Test {
 protected:
  void Start(uint64_t sequence) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    kernel_ = UniqueFd(ends[0]);
    source_ = std::make_unique<LogSource>(
        loop_.loop(), UniqueFd(ends[1]),
        [] { return absl::StatusOr<source::EnabledMessage>(absl::InternalError("not asked")); },
        "test.log", source::EnabledMessage{.generation = 7, .sequence = sequence});
    loop_.Run([&] {
      log_.StartEpoch(1, 1, source_->next_sequence());
      source_->Start(log_, [&](absl::Status status) { end_ = std::move(status); });
    });
  }
  ~LogSourceTest() override {
    loop_.Run([&] { source_.reset(); });
  }
  void Print(const std::string& text, const std::string& device = "+kchan:test.log") {
    const std::string record =
        "6,1,1000,-;" + text + "\n SUBSYSTEM=kchan\n DEVICE=" + device + "\n";
    ASSERT_EQ(write(kernel_.get(), record.data(), record.size()),
              static_cast<ssize_t>(record.size()));
  }
  hub::LogExtent extent() const { return log_.extent(); }
  uint64_t lost() const { return extent().lost[static_cast<size_t>(hub::LossStage::kKernelRing)]; }

  LoopThread loop_;
  hub::Log log_{{}, std::make_shared<hub::MemoryUse>()};
  UniqueFd kernel_;
  std::unique_ptr<LogSource> source_;
  std::optional<absl::Status> end_;
};

TEST_F(LogSourceTest, TakesItsOwnLinesBehindWhereItStood) {
  Start(4);
  Print("test.log#4: known");
  Print("other#5: not ours", "+kchan:other");
  Print("test.log#5: new");
  EXPECT_TRUE(Eventually([&] { return extent().last_sequence == 5; }));
  EXPECT_EQ(extent().records, 1u);
  EXPECT_EQ(lost(), 0u);
}

TEST_F(LogSourceTest, GapsAndSumsAreCountedOnce) {
  Start(0);
  Print("test.log#1: a");
  Print("test.log: 8 lines withheld, up to #9");
  Print("test.log#10: b");
  Print("test.log#13: c");
  Print("test.log: 2 lines withheld, up to #12");
  Print("test.log#14: d");
  EXPECT_TRUE(Eventually([&] { return extent().last_sequence == 14; }));
  EXPECT_EQ(extent().records, 4u);
  EXPECT_EQ(lost(), 10u);
}

TEST_F(LogSourceTest, TheLastLinesComeBeforeTheEnd) {
  Start(0);
  loop_.Run([&] {
    Print("test.log#1: last words");
    source_->ChannelGone();
  });
  EXPECT_TRUE(loop_.Eventually([&] { return end_.has_value(); }));
  EXPECT_TRUE(end_->ok()) << *end_;
  EXPECT_EQ(extent().records, 1u);
}

}  // namespace
}  // namespace kchan::testing
