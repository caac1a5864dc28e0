// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kmsg_source.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bridge/source/kmsg_payload.h"
#include "tests/unit/hub/log_testing.h"
#include "tests/unit/source/source_testing.h"

namespace kchan::testing {
namespace {

using hub::LossStage;
using hub::testing::LostNumbers;
using hub::testing::Range;
using hub::testing::RecordNumbers;
using hub::testing::Seen;
using source::KmsgPayload;
using source::KmsgSource;
using source::UniqueFd;

// A kernel log behind a socket, which keeps records apart as /dev/kmsg does.
class KmsgSourceTest : public ::testing::Test {
 protected:
  void TearDown() override { Detach(); }

  void Print(uint64_t sequence, const std::string& text = "text") {
    Put(absl::StrCat("14,", sequence, ",", sequence * 10, ",-;", text, "\n"));
  }
  void Put(const std::string& record) {
    ASSERT_EQ(write(kernel_.get(), record.data(), record.size()),
              static_cast<ssize_t>(record.size()));
  }
  // What /dev/kmsg does at each open: it starts at the oldest.
  void NewFile() {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    file_ = UniqueFd(ends[0]);
    kernel_ = UniqueFd(ends[1]);
  }
  void Attach() {
    loop_.Run([this] {
      source_ = KmsgSource::Create(loop_.loop(), std::move(file_), next_).value();
      log_.log.StartEpoch(1, 1, source_->next_sequence(), source_->has_history());
      source_->WhenCaughtUp([this] { caught_up_at_ = log_.log.extent().last_sequence; });
      source_->Start(log_.log, [this](absl::Status status) {
        end_ = std::move(status);
        source_.reset();
      });
    });
  }
  void Detach() {
    loop_.Run([this] { source_.reset(); });
  }
  bool Reaches(uint64_t last) {
    return Eventually([&] { return log_.log.extent().last_sequence >= last; });
  }
  std::vector<Seen> ReadAll() {
    return hub::testing::Follower(log_.log, hub::StartOldest()).ReadAll();
  }

  LoopThread loop_;
  hub::testing::LogFixture log_;
  uint64_t next_ = 0;
  UniqueFd file_;
  UniqueFd kernel_;
  std::unique_ptr<KmsgSource> source_;
  std::optional<absl::Status> end_;
  std::optional<uint64_t> caught_up_at_;
};

TEST_F(KmsgSourceTest, NumbersAreTheKernelsPlusOneFromTheOldestOn) {
  NewFile();
  Print(41);
  Print(42);
  Attach();
  ASSERT_TRUE(Reaches(43));
  Print(43);
  ASSERT_TRUE(Reaches(44));
  EXPECT_EQ(RecordNumbers(ReadAll()), Range(42, 44));
  EXPECT_EQ(LostNumbers(ReadAll()), 0u);
}

TEST_F(KmsgSourceTest, ThePayloadSaysWhatTheKernelSaid) {
  NewFile();
  Put("30,7,1234567,c,caller=T9;a\\x0ab\n SUBSYSTEM=net\n");
  Attach();
  ASSERT_TRUE(Reaches(8));
  const std::vector<Seen> seen = ReadAll();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].type, source::kKmsgRecordType);
  // Boottime is monotonic and what the machine was suspended.
  EXPECT_GE(seen[0].boottime_ns, 1234567000u);
  KmsgPayload fixed;
  ASSERT_GE(seen[0].payload.size(), sizeof(fixed));
  std::memcpy(&fixed, seen[0].payload.data(), sizeof(fixed));
  const auto text = [&](uint32_t loc) { return seen[0].payload.substr(loc & 0xffff, loc >> 16); };
  EXPECT_EQ(fixed.sequence, 7u);
  EXPECT_EQ(fixed.time_us, 1234567u);
  EXPECT_EQ(fixed.level, 6);
  EXPECT_EQ(fixed.facility, 3);
  EXPECT_EQ(fixed.flags, source::kKmsgContinuation);
  EXPECT_EQ(text(fixed.caller), "T9");
  EXPECT_EQ(text(fixed.text), "a\nb");
  EXPECT_EQ(text(fixed.dictionary), "SUBSYSTEM=net");
}

TEST_F(KmsgSourceTest, WhatWasOverwrittenIsLostByCount) {
  NewFile();
  Print(0);
  Print(5);
  Attach();
  ASSERT_TRUE(Reaches(6));
  const std::vector<Seen> seen = ReadAll();
  EXPECT_EQ(RecordNumbers(seen), (std::vector<uint64_t>{1, 6}));
  EXPECT_EQ(LostNumbers(seen, LossStage::kKernelRing), 4u);
}

TEST_F(KmsgSourceTest, WhatMakesNoSenseIsLostAtTheSource) {
  NewFile();
  Print(0);
  Put("nonsense\n");
  Print(4);
  Attach();
  ASSERT_TRUE(Reaches(5));
  const std::vector<Seen> seen = ReadAll();
  EXPECT_EQ(LostNumbers(seen, LossStage::kSource), 1u);
  EXPECT_EQ(LostNumbers(seen, LossStage::kKernelRing), 2u);
}

TEST_F(KmsgSourceTest, ASecondActivationGoesOnWithoutRepeating) {
  NewFile();
  for (uint64_t i = 0; i < 3; ++i) Print(i);
  Attach();
  ASSERT_TRUE(Reaches(3));
  Detach();
  NewFile();
  for (uint64_t i = 1; i < 6; ++i) Print(i);
  Attach();
  ASSERT_TRUE(Reaches(6));
  EXPECT_EQ(RecordNumbers(ReadAll()), Range(1, 6));
}

TEST_F(KmsgSourceTest, ACursorOfAnEarlierDaemonGoesOnWhereItWas) {
  NewFile();
  for (uint64_t i = 0; i < 30; ++i) Print(i);
  // It comes before the log has anything, as after a restart.
  hub::testing::Follower reader(log_.log, hub::StartAt{{1, 20}});
  Attach();
  ASSERT_TRUE(Reaches(30));
  EXPECT_EQ(RecordNumbers(reader.ReadAll()), Range(21, 30));
}

TEST_F(KmsgSourceTest, ACursorBeyondTheKernelsLastRecordIsNotWaitedForForEver) {
  NewFile();
  for (uint64_t i = 0; i < 3; ++i) Print(i);
  hub::testing::Follower reader(log_.log, hub::StartAt{{1, 20}});
  Attach();
  ASSERT_TRUE(Reaches(3));
  std::vector<Seen> seen;
  ASSERT_TRUE(Eventually([&] { return !(seen = reader.ReadAll()).empty(); }));
  EXPECT_EQ(RecordNumbers(seen), Range(1, 3));
}

TEST_F(KmsgSourceTest, WhatWasOverwrittenBetweenTwoActivationsIsLostByCount) {
  NewFile();
  Print(0);
  Attach();
  ASSERT_TRUE(Reaches(1));
  Detach();
  NewFile();
  Print(10);
  Attach();
  ASSERT_TRUE(Reaches(11));
  EXPECT_EQ(LostNumbers(ReadAll(), LossStage::kKernelRing), 9u);
}

TEST_F(KmsgSourceTest, MoreThanOneTurnsWorthIsAllRead) {
  NewFile();
  Print(0);
  Attach();
  for (uint64_t i = 1; i < 2000; ++i) {
    // The socket holds less than that: wait for the source.
    if (i % 100 == 0) {
      ASSERT_TRUE(Reaches(i - 50));
    }
    Print(i);
  }
  ASSERT_TRUE(Reaches(2000));
  EXPECT_EQ(RecordNumbers(ReadAll()), Range(1, 2000));
}

TEST_F(KmsgSourceTest, HasCaughtUpBehindAllThatWasThere) {
  NewFile();
  constexpr uint64_t kMoreThanOneTurn = 260;
  for (uint64_t i = 0; i < kMoreThanOneTurn; ++i) Print(i);
  Attach();
  ASSERT_TRUE(loop_.Eventually([&] { return caught_up_at_.has_value(); }));
  EXPECT_EQ(*caught_up_at_, kMoreThanOneTurn);
}

TEST_F(KmsgSourceTest, AFileThatEndsIsAFailure) {
  NewFile();
  Print(0);
  Attach();
  ASSERT_TRUE(Reaches(1));
  kernel_.Reset();
  ASSERT_TRUE(loop_.Eventually([&] { return end_.has_value(); }));
  EXPECT_FALSE(end_->ok());
}

}  // namespace
}  // namespace kchan::testing
