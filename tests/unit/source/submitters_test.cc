// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/submitters.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace kchan::testing {
namespace {

using source::Submitter;
using source::Submitters;

// A channel as its submitters see it.
struct FakeChannel {
  int attached = 0;
  int open = 0;
  int taken = 0;
  int error = 0;
  bool is_dead = false;
  bool has_way = true;
};

class FakeSubmitter final : public Submitter {
 public:
  explicit FakeSubmitter(FakeChannel& channel) : channel_(channel) { ++channel_.open; }
  ~FakeSubmitter() override { --channel_.open; }
  hub::KernelAnswer Submit(uint16_t, std::span<const std::byte>) override {
    if (channel_.is_dead) {
      healthy_ = false;
      channel_.is_dead = false;  // the next one attaches to its successor
      return source::Refusal("test", ESHUTDOWN, "");
    }
    ++channel_.taken;
    if (channel_.error == EIO) healthy_ = false;
    return source::Refusal("test", channel_.error, "because");
  }
  bool healthy() const override { return healthy_; }

 private:
  FakeChannel& channel_;
  bool healthy_ = true;
};

class SubmittersTest : public ::testing::Test {
 protected:
  FakeChannel channel_;
  Submitters submitters_{[this](const std::string&) -> absl::StatusOr<std::unique_ptr<Submitter>> {
    if (!channel_.has_way) return absl::UnimplementedError("no such role");
    ++channel_.attached;
    return std::make_unique<FakeSubmitter>(channel_);
  }};
};

TEST_F(SubmittersTest, OneIsKeptForTheNextRecord) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(submitters_.Submit("test", 1, {})->status.ok());
  EXPECT_EQ(channel_.attached, 1);
  EXPECT_EQ(channel_.taken, 3);
}

TEST_F(SubmittersTest, LettingGoLeavesNothingOpen) {
  EXPECT_TRUE(submitters_.Submit("test", 1, {})->status.ok());
  EXPECT_EQ(channel_.open, 1);
  submitters_.LetGo();
  EXPECT_EQ(channel_.open, 0);
}

TEST_F(SubmittersTest, AChannelWithoutThisWayIsSentAnotherOne) {
  channel_.has_way = false;
  EXPECT_FALSE(submitters_.Submit("test", 1, {}).has_value());
}

TEST_F(SubmittersTest, ARefusalHasTheErrnoAndTheWords) {
  channel_.error = EINVAL;
  const auto answer = submitters_.Submit("test", 1, {});
  EXPECT_EQ(answer->kernel_errno, EINVAL);
  EXPECT_TRUE(absl::IsInvalidArgument(answer->status));
  EXPECT_NE(answer->status.message().find("because"), absl::string_view::npos);
  EXPECT_EQ(channel_.attached, 1);
}

TEST_F(SubmittersTest, OneThatWasKeptOverItsChannelsEndIsReplaced) {
  EXPECT_TRUE(submitters_.Submit("test", 1, {})->status.ok());
  channel_.is_dead = true;
  EXPECT_TRUE(submitters_.Submit("test", 1, {})->status.ok());
  EXPECT_EQ(channel_.attached, 2);
  EXPECT_EQ(channel_.taken, 2);
}

TEST_F(SubmittersTest, WhatMayHaveBeenTakenIsNotSentAgain) {
  EXPECT_TRUE(submitters_.Submit("test", 1, {})->status.ok());
  channel_.error = EIO;
  EXPECT_EQ(submitters_.Submit("test", 1, {})->kernel_errno, EIO);
  EXPECT_EQ(channel_.taken, 2);
  EXPECT_EQ(channel_.open, 0);
}

}  // namespace
}  // namespace kchan::testing
