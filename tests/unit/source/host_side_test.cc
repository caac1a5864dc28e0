// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/host_side.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bridge/source/host_channels.h"
#include "bridge/source/text_file_channel.h"
#include "tests/unit/source/source_testing.h"

namespace kchan::testing {
namespace {

using hub::ChannelState;
using source::HostChannel;
using source::HostSide;

// A daemon's middle with nothing but host channels.
class HostSideTest : public ::testing::Test {
 protected:
  ~HostSideTest() override {
    demands_.clear();
    reads_.Stop();
    loop_.Run([this] { side_.reset(); });
  }

  void Start(source::HostOptions options) {
    loop_.Run([&] {
      side_ = std::make_unique<HostSide>(loop_.loop(), hub_, report_,
                                         source::MakeHostChannels(loop_.loop(), reads_, options),
                                         source::SourcePolicyFor());
      side_->Start();
    });
  }
  // This process's name, as a value: a file of procfs that it may write.
  void StartComm(bool writable, absl::Duration sample_interval = absl::Milliseconds(10)) {
    Start({.value_files = {{.name = "comm",
                            .path = absl::StrCat("/proc/", getpid(), "/comm"),
                            .writable = writable,
                            .sample_interval = sample_interval}}});
  }
  void Demand(const std::string& channel) {
    demands_.push_back(std::make_unique<hub::ChannelDemand>(hub_, hub_.Find(channel)));
    loop_.Run([&] { side_->DemandChanged(channel); });
  }
  void DropDemands(const std::string& channel) {
    demands_.clear();
    loop_.Run([&] { side_->DemandChanged(channel); });
  }
  ChannelState state(const std::string& channel) { return hub_.Find(channel)->snapshot().state; }
  absl::StatusOr<hub::ValueChanged> Set(const std::string& word, hub::Value value) {
    return side_->ChangeValue("comm", {.word = word, .operand = std::move(value)});
  }
  // The text that watchers of "comm" see now; empty: none.
  std::string Watched() {
    const auto latest = hub_.Find("comm")->values().latest();
    return latest.snapshot == nullptr ? "" : std::get<std::string>(latest.snapshot->words[0].value);
  }

  LoopThread loop_;
  hub::RunningCalls running_;
  source::BlockingCalls reads_{loop_.loop(), 4, running_};
  hub::Hub hub_{{}, [](std::string_view) { return hub::LogLimits(); }};
  source::KernelReport report_{hub_};
  std::unique_ptr<HostSide> side_;
  std::vector<std::unique_ptr<hub::ChannelDemand>> demands_;
};

TEST_F(HostSideTest, WhatIsNotConfiguredIsNotThere) {
  Start({});
  EXPECT_TRUE(hub_.List().empty());
  EXPECT_FALSE(side_->Has("kmsg"));
  EXPECT_TRUE(absl::IsNotFound(side_->Publish("kmsg", 2, {}).status));
}

TEST_F(HostSideTest, ChannelsAreDescribedBeforeAnybodyReadsThem) {
  Start({.kernel_log = source::KernelLogOptions{}, .uevents = true});
  for (const char* name : {"kmsg", "uevent"}) {
    ASSERT_NE(hub_.Find(name), nullptr) << name;
    const hub::ChannelSnapshot snapshot = hub_.Find(name)->snapshot();
    EXPECT_EQ(snapshot.state, ChannelState::kIdle);
    EXPECT_EQ(snapshot.description->provider, "kernel");
    EXPECT_EQ(snapshot.description->transport, name);
    ASSERT_NE(snapshot.schema, nullptr);
    EXPECT_NE(snapshot.schema->id, 0u);
  }
  EXPECT_NE(hub_.Find("uevent")->snapshot().description->documentation.find("32 protocol"),
            std::string::npos);
}

TEST_F(HostSideTest, AFileThatIsNotThereFailsItsChannelAndSaysWhatToDo) {
  Start({.kernel_log = source::KernelLogOptions{.path = "/dev/no-such-kmsg"}});
  EXPECT_TRUE(hub_.kernel_side().problems.empty());
  Demand("kmsg");
  EXPECT_EQ(state("kmsg"), ChannelState::kFailed);
  ASSERT_TRUE(Eventually([&] { return !hub_.kernel_side().problems.empty(); }));
  const hub::Problem problem = hub_.kernel_side().problems[0];
  EXPECT_EQ(problem.subject, "channel kmsg");
  EXPECT_NE(problem.description.find("/dev/no-such-kmsg"), std::string::npos);
  EXPECT_NE(problem.remedy.find("container"), std::string::npos);
  // Nobody wants it any more: no problem.
  DropDemands("kmsg");
  EXPECT_EQ(state("kmsg"), ChannelState::kIdle);
  EXPECT_TRUE(Eventually([&] { return hub_.kernel_side().problems.empty(); }));
}

TEST_F(HostSideTest, TheModulesProblemsAndOursAreToldTogether) {
  Start({.kernel_log = source::KernelLogOptions{.path = "/dev/no-such-kmsg"}});
  Demand("kmsg");
  ASSERT_TRUE(Eventually([&] { return hub_.kernel_side().problems.size() == 1; }));
  loop_.Run([&] {
    report_.SetModule({.state = hub::KernelSideState::kAbsent,
                       .problems = {{.subject = "kernel side", .description = "", .remedy = ""}}});
  });
  const hub::KernelSideStatus status = hub_.kernel_side();
  EXPECT_EQ(status.state, hub::KernelSideState::kAbsent);
  ASSERT_EQ(status.problems.size(), 2u);
  EXPECT_EQ(status.problems[0].subject, "kernel side");
  EXPECT_EQ(status.problems[1].subject, "channel kmsg");
}

TEST_F(HostSideTest, TheKernelLogIsNotWrittenUnlessItIsAllowed) {
  Start({.kernel_log = source::KernelLogOptions{.publish = false}});
  const std::string line = std::string("\x06\x01", 2) + "text";
  const hub::KernelAnswer answer =
      side_->Publish("kmsg", 2, std::as_bytes(std::span<const char>(line)));
  EXPECT_TRUE(absl::IsPermissionDenied(answer.status)) << answer.status;
  EXPECT_NE(answer.status.message().find("publish: true"), std::string::npos);
}

TEST_F(HostSideTest, AFileIsReadSetAndWatched) {
  StartComm(true);
  ASSERT_TRUE(Set("text", std::string("first")).ok());
  const auto now = side_->ReadValues("comm");
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_EQ(now->words, (std::vector<hub::Word>{{"text", std::string("first")}}));

  Demand("comm");
  EXPECT_TRUE(Eventually([&] { return Watched() == "first"; }));
  const auto before = hub_.Find("comm")->values().latest();
  EXPECT_FALSE(before.stale);
  // The kernel does not announce changes of this file: it is sampled.
  ASSERT_EQ(prctl(PR_SET_NAME, "second"), 0);
  EXPECT_TRUE(Eventually([&] { return Watched() == "second"; }));
  EXPECT_EQ(hub_.Find("comm")->values().latest().snapshot->version, before.snapshot->version + 1);
}

TEST_F(HostSideTest, WhatClientsSetIsSeenAtOnceHoweverSeldomItIsSampled) {
  StartComm(true, absl::Hours(1));
  Demand("comm");
  ASSERT_TRUE(Eventually([&] { return !Watched().empty(); }));
  ASSERT_TRUE(Set("text", uint64_t{42}).ok());
  EXPECT_TRUE(Eventually([&] { return Watched() == "42"; }));
}

TEST_F(HostSideTest, NobodyWatchesNothingIsReadAndWhatWasKnownIsStale) {
  StartComm(true);
  Demand("comm");
  ASSERT_TRUE(Eventually([&] { return !Watched().empty(); }));
  DropDemands("comm");
  EXPECT_TRUE(Eventually([&] { return hub_.Find("comm")->values().latest().stale; }));
  EXPECT_TRUE(Eventually([&] { return state("comm") == ChannelState::kIdle; }));
}

TEST_F(HostSideTest, WhatCannotBeSetSaysWhy) {
  StartComm(false);
  EXPECT_TRUE(absl::IsPermissionDenied(Set("text", std::string("x")).status()));
  EXPECT_TRUE(absl::IsNotFound(Set("other", std::string("x")).status()));
}

TEST_F(HostSideTest, OnlySettingIsPossible) {
  StartComm(true);
  EXPECT_TRUE(absl::IsInvalidArgument(Set("text", std::string()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Set("text", std::string(4096, 'x')).status()));
  const auto added = side_->ChangeValue(
      "comm",
      {.operation = hub::ValueChange::Operation::kAdd, .word = "text", .operand = int64_t{1}});
  EXPECT_TRUE(absl::IsUnimplemented(added.status()));
}

TEST_F(HostSideTest, AFileThatIsNeverAnnouncedMustBeSampled) {
  StartComm(true, absl::ZeroDuration());
  Demand("comm");
  EXPECT_EQ(state("comm"), ChannelState::kFailed);
  EXPECT_NE(hub_.Find("comm")->snapshot().reason.find("sample_interval_ms"), std::string::npos);
}

}  // namespace
}  // namespace kchan::testing
