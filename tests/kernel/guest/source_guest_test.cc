// SPDX-License-Identifier: Apache-2.0
// The bridge's source side against a real module: into a hub and back.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bridge/hub/hub.h"
#include "bridge/source/kernel_ring.h"
#include "bridge/source/kernel_side.h"
#include "modules.h"
#include "testbed.h"
#include "tests/unit/hub/log_testing.h"

namespace kchan::guest {
namespace {

using hub::ChannelState;
using hub::testing::LostNumbers;
using hub::testing::RecordNumbers;
using hub::testing::Seen;
using source::KernelSide;
using source::SourcePolicy;

constexpr char kPerCpu[] = "test.per_cpu";
constexpr char kShared[] = "test.shared";
constexpr char kGenl[] = "test.genl";

// Nothing that a test writes is evicted, and every channel of the guest has a
// log: only what is written takes memory.
constexpr size_t kLogBytes = 24 << 20;
constexpr uint64_t kAllLogsBytes = 64 * kLogBytes;

// A daemon's middle: a hub, the kernel below it, nobody above.
class Daemon {
 public:
  explicit Daemon(SourcePolicy policy = {}, const source::LinkOptions& link = {},
                  size_t max_channels = hub::HubLimits().max_channels)
      : hub_({.max_channels = max_channels, .max_log_bytes = kAllLogsBytes},
             [](std::string_view) { return hub::LogLimits{.max_bytes = kLogBytes}; }) {
    source::KernelSideOptions options;
    options.link = link;
    options.policy_for = [policy](std::string_view) { return policy; };
    kernel_side_ = KernelSide::Start(hub_, std::move(options)).value();
    hub_.SetDoor(kernel_side_.get());
  }
  ~Daemon() {
    demands_.clear();
    hub_.SetDoor(nullptr);
  }

  hub::Hub& hub() { return hub_; }
  const hub::Hub& hub() const { return hub_; }
  KernelSide& door() { return *kernel_side_; }
  std::shared_ptr<hub::Channel> channel(const std::string& name) { return hub_.Find(name); }
  ChannelState state(const std::string& name) { return channel(name)->snapshot().state; }
  uint64_t epoch(const std::string& name) { return channel(name)->log().extent().epoch; }

  // Somebody reads from now on.
  void Demand(const std::string& name) {
    demands_.push_back(std::make_unique<hub::ChannelDemand>(hub_, channel(name)));
  }
  void DropDemands() { demands_.clear(); }
  bool KernelSideBecomes(hub::KernelSideState wanted) {
    return Eventually([&] { return hub_.kernel_side().state == wanted; });
  }
  bool BecomesState(const std::string& name, ChannelState wanted) {
    return Eventually([&] { return state(name) == wanted; });
  }
  bool Goes(const std::string& name) { return BecomesState(name, ChannelState::kLive); }
  bool Reaches(const std::string& name, uint64_t sequence) {
    return Eventually([&] { return channel(name)->log().extent().last_sequence >= sequence; });
  }

  hub::KernelAnswer Write(const std::string& name, const Write& write) {
    return door().Publish(name, kWriteType, std::as_bytes(std::span(&write, 1)));
  }
  hub::KernelAnswer Set(const std::string& name, const std::string& parameter, uint64_t value) {
    hub::ChannelSettings settings;
    settings.parameters = {{parameter, value}};
    return door().Update(name, settings);
  }
  std::vector<Seen> ReadAll(const std::string& name) {
    return hub::testing::Follower(channel(name)->log(), hub::StartOldest()).ReadAll();
  }

 private:
  hub::Hub hub_;
  std::unique_ptr<KernelSide> kernel_side_;
  std::vector<std::unique_ptr<hub::ChannelDemand>> demands_;
};

uint64_t CounterOf(const Seen& record) {
  uint64_t counter = 0;
  std::memcpy(&counter, record.payload.data(), sizeof(counter));
  return counter;
}

class SourceGuestTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(testbed_->error, 0) << std::strerror(testbed_->error); }

  void ReloadTestbed() {
    testbed_.reset();
    testbed_.emplace("kchan_testbed");
    ASSERT_EQ(testbed_->error, 0) << std::strerror(testbed_->error);
  }

  std::optional<ScopedModule> testbed_{std::in_place, "kchan_testbed"};
};

TEST_F(SourceGuestTest, TheModuleAndItsChannelsAreFoundAtStart) {
  Daemon daemon;
  const hub::KernelSideStatus status = daemon.hub().kernel_side();
  EXPECT_EQ(status.state, hub::KernelSideState::kReady);
  EXPECT_EQ(status.module_abi, "1.0");
  EXPECT_FALSE(status.module_version.empty());
  EXPECT_TRUE(status.problems.empty());

  const auto description = daemon.channel(kPerCpu)->snapshot().description;
  EXPECT_EQ(description->provider, "kchan_testbed");
  EXPECT_EQ(description->transport, "ring");
  EXPECT_EQ(description->layout, "per_cpu");
  EXPECT_EQ(description->writer_policy, "lock_free");
  EXPECT_EQ(description->writer_context, "hardirq");
  EXPECT_EQ(description->direction, hub::Direction::kBoth);
  ASSERT_EQ(description->parameters.size(), 3u);
  EXPECT_EQ(description->parameters[1].name, "even");
  EXPECT_EQ(description->parameters[1].max_value, 1000u);
  EXPECT_EQ(daemon.state(kPerCpu), ChannelState::kIdle);
  EXPECT_EQ(daemon.channel(kGenl)->snapshot().description->layout, "");
}

TEST_F(SourceGuestTest, AChannelIsReadWhenSomebodyWantsItAndSaysHowToDecodeIt) {
  for (const char* name : {kPerCpu, kShared, kGenl}) {
    Daemon daemon;
    daemon.Demand(name);
    ASSERT_TRUE(daemon.Goes(name)) << daemon.channel(name)->snapshot().reason;
    const auto schema = daemon.channel(name)->snapshot().schema;
    ASSERT_EQ(schema->types.size(), 2u);
    EXPECT_EQ(schema->types[1].name, "written");
    EXPECT_EQ(schema->types[1].fields[0].name, "counter");

    const hub::KernelAnswer answer = daemon.Write(name, {.count = 10, .length = 64});
    ASSERT_TRUE(answer.status.ok()) << answer.status;
    ASSERT_TRUE(daemon.Reaches(name, 10)) << name;
    const std::vector<Seen> seen = daemon.ReadAll(name);
    ASSERT_EQ(RecordNumbers(seen), hub::testing::Range(1, 10)) << name;
    for (size_t i = 0; i < seen.size(); ++i) {
      EXPECT_EQ(CounterOf(seen[i]), i + 1);
      EXPECT_EQ(seen[i].payload.size(), 64u);
      EXPECT_EQ(seen[i].type, kWrittenType);
      EXPECT_GT(seen[i].boottime_ns, 0u);
    }
  }
}

// Far more than rings and sockets hold: what is lost is counted, what comes is
// in order, and the numbers fit.
TEST_F(SourceGuestTest, UnderOverloadEveryNumberIsARecordOrALoss) {
  constexpr uint64_t kAttempts = 200000;
  for (const char* name : {kPerCpu, kShared, kGenl}) {
    Daemon daemon;
    daemon.Demand(name);
    ASSERT_TRUE(daemon.Goes(name));
    // The answer is what the first refused record met.
    (void)daemon.Write(name, {.count = kAttempts, .length = 64});
    ASSERT_TRUE(daemon.Reaches(name, kAttempts))
        << name << " " << daemon.channel(name)->log().extent().last_sequence;

    const std::vector<Seen> seen = daemon.ReadAll(name);
    const uint64_t records = RecordNumbers(seen).size();
    const uint64_t lost = LostNumbers(seen);
    EXPECT_EQ(records + lost, kAttempts) << name;
    EXPECT_EQ(daemon.channel(name)->log().extent().last_sequence, kAttempts) << name;
    uint64_t last = 0;
    for (const Seen& each : seen) {
      if (!each.is_record) continue;
      EXPECT_GT(CounterOf(each), last);
      last = CounterOf(each);
    }
    RecordProperty(std::string(name) + ".lost", static_cast<int>(lost));
  }
}

TEST_F(SourceGuestTest, TheLastReaderTurnsTheSourceOffAndTheNextGoesOn) {
  for (const char* name : {kPerCpu, kGenl}) {
    Daemon daemon({.always = false, .idle_close = absl::ZeroDuration()});
    daemon.Demand(name);
    ASSERT_TRUE(daemon.Goes(name));
    ASSERT_TRUE(daemon.Write(name, {.count = 3}).status.ok());
    ASSERT_TRUE(daemon.Reaches(name, 3));
    daemon.DropDemands();
    ASSERT_TRUE(daemon.BecomesState(name, ChannelState::kIdle));
    const uint64_t epoch = daemon.epoch(name);

    // It lingers: what is written now is kept.
    ASSERT_TRUE(daemon.Write(name, {.count = 2}).status.ok());
    daemon.Demand(name);
    ASSERT_TRUE(daemon.Reaches(name, 5)) << name;
    EXPECT_EQ(daemon.epoch(name), epoch);
    EXPECT_EQ(RecordNumbers(daemon.ReadAll(name)), hub::testing::Range(1, 5)) << name;
  }
}

TEST_F(SourceGuestTest, ADaemonGoesOnWithTheNumbersOfTheOneBefore) {
  for (const char* name : {kPerCpu, kShared, kGenl}) {
    uint64_t epoch = 0;
    {
      Daemon first;
      first.Demand(name);
      ASSERT_TRUE(first.Goes(name));
      ASSERT_TRUE(first.Write(name, {.count = 7}).status.ok());
      ASSERT_TRUE(first.Reaches(name, 7));
      epoch = first.epoch(name);
    }
    Daemon second;
    ASSERT_TRUE(second.Write(name, {.count = 1}).status.ok());
    second.Demand(name);
    ASSERT_TRUE(second.Reaches(name, 8)) << name;
    EXPECT_EQ(second.epoch(name), epoch) << name;
    const std::vector<Seen> seen = second.ReadAll(name);
    EXPECT_EQ(RecordNumbers(seen), std::vector<uint64_t>{8}) << name;
    EXPECT_EQ(CounterOf(seen.back()), 8u) << name;
  }
}

TEST_F(SourceGuestTest, AModuleThatLeavesEndsItsChannelsAndOneThatComesBackGoesOnInANewEpoch) {
  Daemon daemon({.always = true});
  for (const char* name : {kPerCpu, kGenl}) {
    ASSERT_TRUE(daemon.Goes(name));
    ASSERT_TRUE(daemon.Write(name, {.count = 4}).status.ok());
  }
  const uint64_t epoch = daemon.epoch(kPerCpu);
  const uint64_t genl_epoch = daemon.epoch(kGenl);
  testbed_.reset();
  for (const char* name : {kPerCpu, kGenl}) {
    ASSERT_TRUE(daemon.BecomesState(name, ChannelState::kEnded)) << name;
    EXPECT_FALSE(daemon.channel(name)->snapshot().reason.empty());
    // What was written last is there.
    EXPECT_EQ(RecordNumbers(daemon.ReadAll(name)), hub::testing::Range(1, 4)) << name;
  }
  EXPECT_EQ(daemon.hub().kernel_side().state, hub::KernelSideState::kReady);

  ReloadTestbed();
  for (const char* name : {kPerCpu, kGenl}) {
    ASSERT_TRUE(daemon.Goes(name));
    ASSERT_TRUE(daemon.Write(name, {.count = 2}).status.ok());
  }
  ASSERT_TRUE(Eventually([&] { return daemon.ReadAll(kPerCpu).size() == 6; }));
  ASSERT_TRUE(Eventually([&] { return daemon.ReadAll(kGenl).size() == 6; }));
  EXPECT_NE(daemon.epoch(kPerCpu), epoch);
  EXPECT_NE(daemon.epoch(kGenl), genl_epoch);
}

TEST_F(SourceGuestTest, ARingWithAnotherReaderFailsAndIsReadOnceThatIsGone) {
  Daemon daemon;
  auto other = source::KernelRing::Open(source::kDevicePath, kPerCpu, 0);
  ASSERT_TRUE(other.ok()) << other.status();
  daemon.Demand(kPerCpu);
  ASSERT_TRUE(daemon.BecomesState(kPerCpu, ChannelState::kFailed));
  EXPECT_NE(daemon.channel(kPerCpu)->snapshot().reason.find("reader"), std::string::npos);
  ASSERT_TRUE(Eventually([&] { return daemon.hub().kernel_side().problems.size() == 1; }));
  EXPECT_EQ(daemon.hub().kernel_side().problems[0].subject, "channel test.per_cpu");
  other->reset();
  EXPECT_TRUE(daemon.Goes(kPerCpu));
  EXPECT_TRUE(Eventually([&] { return daemon.hub().kernel_side().problems.empty(); }));
}

TEST_F(SourceGuestTest, ASourceThatCannotBeTurnedOnSaysWhyAndRecovers) {
  Daemon daemon;
  ASSERT_TRUE(daemon.Set(kPerCpu, "refuse", ENOSPC).status.ok());
  daemon.Demand(kPerCpu);
  ASSERT_TRUE(daemon.BecomesState(kPerCpu, ChannelState::kFailed));
  ASSERT_TRUE(daemon.Set(kPerCpu, "refuse", 0).status.ok());
  EXPECT_TRUE(daemon.Goes(kPerCpu));
}

// The provider of one channel sleeps in its enable; meanwhile another is written
// to in full bursts, each of which fits in its ring once the one before is read.
TEST_F(SourceGuestTest, WhileAProviderTurnsItsChannelOnAnotherIsReadWithoutLoss) {
  constexpr uint32_t kBurst = 100;
  for (const char* slow : {kShared, kGenl}) {
    Daemon daemon;
    daemon.Demand(kPerCpu);
    ASSERT_TRUE(daemon.Goes(kPerCpu));
    ASSERT_TRUE(daemon.Set(slow, "enable_delay_ms", 5000).status.ok());
    daemon.Demand(slow);
    const uint64_t before = daemon.channel(kPerCpu)->log().extent().last_sequence;
    uint64_t written = 0;
    while (daemon.state(slow) != ChannelState::kLive) {
      ASSERT_TRUE(daemon.Write(kPerCpu, {.count = kBurst, .length = 64}).status.ok()) << slow;
      written += kBurst;
      ASSERT_TRUE(daemon.Reaches(kPerCpu, before + written)) << slow;
    }
    EXPECT_GT(written, 10 * kBurst) << slow << " held the others up";
    EXPECT_EQ(LostNumbers(daemon.ReadAll(kPerCpu)), 0u) << slow;
    // And nothing of the slow one is missing.
    ASSERT_TRUE(daemon.Write(slow, {.count = 10, .length = 64}).status.ok());
    ASSERT_TRUE(daemon.Reaches(slow, 10));
    EXPECT_EQ(RecordNumbers(daemon.ReadAll(slow)), hub::testing::Range(1, 10)) << slow;
    ReloadTestbed();
  }
}

TEST_F(SourceGuestTest, ChannelIsUnloadedWhileItsProviderTurnsItOn) {
  Daemon daemon;
  ASSERT_TRUE(daemon.Set(kShared, "enable_delay_ms", 2000).status.ok());
  daemon.Demand(kShared);
  ReloadTestbed();
  ASSERT_TRUE(daemon.Goes(kShared)) << daemon.channel(kShared)->snapshot().reason;
  ASSERT_TRUE(daemon.Write(kShared, {.count = 5, .length = 64}).status.ok());
  EXPECT_TRUE(daemon.Reaches(kShared, 5));
}

TEST_F(SourceGuestTest, DaemonThatStopsWhileAProviderTurnsItsChannelOnLeavesItToTheNext) {
  {
    Daemon daemon;
    ASSERT_TRUE(daemon.Set(kShared, "enable_delay_ms", 2000).status.ok());
    daemon.Demand(kShared);
  }
  Daemon next;
  next.Demand(kShared);
  ASSERT_TRUE(next.Goes(kShared));
  ASSERT_TRUE(next.Write(kShared, {.count = 5, .length = 64}).status.ok());
  EXPECT_TRUE(next.Reaches(kShared, 5));
}

// One place in the hub is left: the channels that came first have it, until
// they end.
TEST_F(SourceGuestTest, ChannelThatFoundNoPlaceIsServedWhenAnotherEnds) {
  size_t channels = 0;
  {
    const Daemon all;
    channels = all.hub().List().size();
  }
  Daemon daemon(SourcePolicy{}, {}, channels - 1);
  ASSERT_EQ(daemon.hub().kernel_side().problems.size(), 1u);
  testbed_.reset();
  EXPECT_TRUE(Eventually([&] { return daemon.hub().kernel_side().problems.empty(); }));
}

TEST_F(SourceGuestTest, CommandsAreAnsweredInTheKernelsWords) {
  Daemon daemon;
  const hub::KernelAnswer unknown = daemon.Write("test.nothing", {});
  EXPECT_TRUE(absl::IsNotFound(unknown.status)) << unknown.status;
  EXPECT_EQ(unknown.kernel_errno, ENOENT);
  EXPECT_NE(unknown.status.message().find("no such channel"), absl::string_view::npos);
  EXPECT_NE(unknown.status.message().find("CHANNEL_NAME"), absl::string_view::npos);

  const hub::KernelAnswer refused = daemon.Write(kPerCpu, {.count = 1, .length = 1});
  EXPECT_TRUE(absl::IsInvalidArgument(refused.status)) << refused.status;
  EXPECT_EQ(refused.kernel_errno, EINVAL);
  EXPECT_NE(refused.status.message().find("no such length or form"), absl::string_view::npos);

  const hub::KernelAnswer odd = daemon.Set(kPerCpu, "even", 3);
  EXPECT_EQ(odd.kernel_errno, EDOM);
  EXPECT_NE(odd.status.message().find("the value is odd"), absl::string_view::npos);

  EXPECT_TRUE(absl::IsInvalidArgument(daemon.door().Publish(kPerCpu, 1 << 16, {}).status));
  const std::vector<std::byte> long_payload(KCHAN_MAX_RECORD_BYTES + 1);
  EXPECT_TRUE(absl::IsInvalidArgument(daemon.door().Publish(kPerCpu, 1, long_payload).status));
}

TEST_F(SourceGuestTest, AnUpdateIsSeenInTheDescription) {
  Daemon daemon;
  ASSERT_TRUE(
      daemon.door()
          .Update(kPerCpu,
                  {.parameters = {{"even", 42}}, .budget_bytes = 1 << 20, .linger_ms = 1234})
          .status.ok());
  EXPECT_TRUE(Eventually([&] {
    const auto description = daemon.channel(kPerCpu)->snapshot().description;
    return description->parameters[1].value == 42 && description->budget_bytes == 1 << 20 &&
           description->linger_ms == 1234;
  }));
}

// A socket that holds next to nothing: its overruns are found out by numbers.
TEST_F(SourceGuestTest, WhatANetlinkSocketLosesIsCountedExactly) {
  constexpr uint64_t kBursts = 50;
  constexpr uint64_t kBurst = 300;
  source::LinkOptions link;
  link.genl_receive_bytes = 4096;
  Daemon daemon({}, link);
  daemon.Demand(kGenl);
  ASSERT_TRUE(daemon.Goes(kGenl));
  for (uint64_t i = 0; i < kBursts; ++i) {
    ASSERT_TRUE(daemon.Write(kGenl, {.count = kBurst, .length = 64}).status.ok());
    // So that the channel's own queue loses nothing.
    ASSERT_TRUE(daemon.Reaches(kGenl, (i + 1) * kBurst)) << i;
  }
  const std::vector<Seen> seen = daemon.ReadAll(kGenl);
  const uint64_t lost = LostNumbers(seen, hub::LossStage::kKernelTransport);
  EXPECT_EQ(RecordNumbers(seen).size() + lost, kBursts * kBurst);
  EXPECT_GT(lost, 0u);
  EXPECT_EQ(LostNumbers(seen, hub::LossStage::kKernelRing), 0u);
  uint64_t attempt = 0;
  for (const Seen& each : seen) {
    attempt += each.count;
    if (each.is_record) {
      ASSERT_EQ(CounterOf(each), attempt);
    }
  }
}

uint64_t VoluntarySwitchesOfAllThreads() {
  uint64_t sum = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(thread.path() / "status");
    for (std::string word; status >> word;) {
      uint64_t count = 0;
      if (word == "voluntary_ctxt_switches:" && status >> count) sum += count;
    }
  }
  return sum;
}

TEST_F(SourceGuestTest, LiveChannelsWithoutRecordsWakeNobody) {
  Daemon daemon;
  for (const char* name : {kPerCpu, kShared, kGenl}) {
    daemon.Demand(name);
    ASSERT_TRUE(daemon.Goes(name));
    ASSERT_TRUE(daemon.Write(name, {.count = 100}).status.ok());
    ASSERT_TRUE(daemon.Reaches(name, 100));
  }
  // The batches' timers find out that there is nothing more.
  const auto quiet = [] {
    const uint64_t before = VoluntarySwitchesOfAllThreads();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    // This thread's own sleep is one.
    return VoluntarySwitchesOfAllThreads() - before <= 1;
  };
  EXPECT_TRUE(Eventually(quiet));
}

// What an operator does to replace kchan.ko under a running daemon.
TEST_F(SourceGuestTest, TheCoreIsReplacedUnderARunningDaemon) {
  Daemon daemon({.always = true});
  ASSERT_TRUE(daemon.Goes(kPerCpu));
  ASSERT_TRUE(daemon.Goes(kGenl));
  const uint64_t epoch = daemon.epoch(kPerCpu);
  {
    GenlSocket admin;
    ASSERT_EQ(admin.Do(KCHAN_CMD_QUIESCE, {}).error, 0);
  }
  ASSERT_TRUE(daemon.KernelSideBecomes(hub::KernelSideState::kQuiesced));
  ASSERT_TRUE(daemon.BecomesState(kPerCpu, ChannelState::kEnded));
  ASSERT_TRUE(daemon.BecomesState(kGenl, ChannelState::kEnded));
  EXPECT_NE(daemon.channel(kPerCpu)->snapshot().reason.find("quiesced"), std::string::npos);

  testbed_.reset();
  const bool had_sources = UnloadModule("kchan_sources") == 0;
  ASSERT_TRUE(Eventually([] { return UnloadModule("kchan") == 0; }));
  EXPECT_TRUE(daemon.KernelSideBecomes(hub::KernelSideState::kAbsent));
  EXPECT_TRUE(absl::IsFailedPrecondition(daemon.Write(kPerCpu, {}).status));
  EXPECT_EQ(daemon.hub().kernel_side().problems.size(), 1u);

  ASSERT_EQ(LoadModule("kchan"), 0);
  if (had_sources) {
    EXPECT_EQ(LoadModule("kchan_sources"), 0);
  }
  ReloadTestbed();
  ASSERT_TRUE(daemon.KernelSideBecomes(hub::KernelSideState::kReady));
  EXPECT_TRUE(daemon.hub().kernel_side().problems.empty());
  for (const char* name : {kPerCpu, kGenl}) {
    ASSERT_TRUE(daemon.Goes(name)) << name;
    ASSERT_TRUE(daemon.Write(name, {.count = 3}).status.ok());
    ASSERT_TRUE(daemon.Reaches(name, 3));
  }
  EXPECT_NE(daemon.epoch(kPerCpu), epoch);
}

TEST_F(SourceGuestTest, ACpuThatComesUpLaterIsReadToo) {
  const std::string online = "/sys/devices/system/cpu/cpu1/online";
  const auto set_online = [&](const char* value) { std::ofstream(online) << value; };
  set_online("0");
  Daemon daemon;
  daemon.Demand(kPerCpu);
  ASSERT_TRUE(daemon.Goes(kPerCpu));
  set_online("1");
  PinToCpu(1);
  const hub::KernelAnswer answer = daemon.Write(kPerCpu, {.count = 5});
  ASSERT_TRUE(answer.status.ok()) << answer.status;
  ASSERT_TRUE(daemon.Reaches(kPerCpu, 5));
  for (const Seen& seen : daemon.ReadAll(kPerCpu)) EXPECT_EQ(seen.cpu, 1u);
}

}  // namespace
}  // namespace kchan::guest
