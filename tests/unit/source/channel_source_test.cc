// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/channel_source.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bridge/hub/hub.h"
#include "bridge/source/epoch.h"

namespace kchan::testing {
namespace {

using hub::ChannelState;
using source::ChannelMessage;
using source::ChannelSource;
using source::ChannelSourceContext;
using source::EventLoop;
using source::KernelLink;
using source::RecordSource;
using source::SourcePolicy;

constexpr char kName[] = "test";
constexpr char kBootId[] = "boot";

// The kernel side of one channel, moved by hand.
class FakeLink final : public KernelLink {
 public:
  // One attachment.
  class Source final : public RecordSource {
   public:
    explicit Source(FakeLink& link) : link_(link), generation_(link.generation) {
      link_.attached = this;
    }
    ~Source() override { link_.attached = nullptr; }
    uint64_t generation() const override { return generation_; }
    uint64_t next_sequence() const override { return link_.next_sequence; }
    void Start(hub::Log& log, OnEnd on_end) override {
      log_ = &log;
      on_end_ = std::move(on_end);
    }
    void RingsAppeared() override { ++link_.rings_appeared; }
    void ChannelGone() override { ++link_.told_gone; }

    void End(absl::Status status) {
      const OnEnd on_end = std::move(on_end_);
      on_end(std::move(status));
    }

    hub::Log* log_ = nullptr;

   private:
    FakeLink& link_;
    const uint64_t generation_;
    OnEnd on_end_;
  };

  StartAttach Attach(const ChannelMessage&, hub::ValueFeed&) override {
    ++attempts;
    return [this]() -> absl::StatusOr<FinishAttach> {
      if (!attach_error.ok()) return attach_error;
      return [this]() -> absl::StatusOr<std::unique_ptr<RecordSource>> {
        return std::make_unique<Source>(*this);
      };
    };
  }
  absl::StatusOr<hub::Schema> GetSchema(const std::string&) override {
    hub::Schema schema;
    schema.byte_order = hub::ByteOrder::kLittle;
    schema.id = hub::SchemaId(schema);
    return schema;
  }
  absl::StatusOr<ChannelMessage> GetChannel(const std::string&) override {
    ChannelMessage now = Message();
    if (registered_anew) ++now.generation;
    return now;
  }

  ChannelMessage Message(uint32_t state = KCHAN_STATE_IDLE) const {
    ChannelMessage message;
    message.id = id;
    message.transport = KCHAN_TRANSPORT_RING;
    message.state = state;
    message.generation = generation;
    message.description.name = kName;
    message.description.provider = "fake";
    message.description.direction = hub::Direction::kToUser;
    message.description.volume = volume;
    return message;
  }

  uint32_t id = 1;
  uint64_t generation = 100;
  uint64_t next_sequence = 1;
  absl::Status attach_error;
  hub::Volume volume = hub::Volume::kMessages;
  bool registered_anew = false;
  int attempts = 0;
  int rings_appeared = 0;
  int told_gone = 0;
  Source* attached = nullptr;
};

class ChannelSourceTest : public ::testing::Test {
 protected:
  ChannelSourceTest()
      : context_{.loop = *loop_,
                 .boot_id = kBootId,
                 .policy_for = [this](std::string_view) { return policy_; },
                 .on_problem = [this] { ++problems_; },
                 .on_ended = [this] { ++ended_; },
                 .call_blocking =
                     [this](const std::string&, std::function<void()> call, EventLoop::Task then) {
                       if (blocks_) {
                         blocked_.emplace_back(std::move(call), std::move(then));
                       } else {
                         call();
                         then();
                       }
                     }} {
    channel_ =
        hub_.Upsert(std::make_shared<const hub::ChannelDescription>(link_.Message().description));
    source_ = std::make_unique<ChannelSource>(context_, channel_);
  }

  void Register() { source_->SetKernel(link_, link_.Message()); }
  void Demand() {
    demand_ = std::make_unique<hub::ChannelDemand>(hub_, channel_);
    source_->Reconsider();
  }
  void DropDemand() {
    demand_.reset();
    source_->Reconsider();
  }
  // Serves timers until `condition` holds; false after five seconds.
  bool RunUntil(const std::function<bool()>& condition) {
    bool held = false;
    source::Timer deadline(*loop_, [&] { loop_->Stop(); });
    std::unique_ptr<source::Timer> look;
    look = std::make_unique<source::Timer>(*loop_, [&] {
      held = condition();
      if (held) return loop_->Stop();
      look->Start(absl::Milliseconds(1));
    });
    deadline.Start(absl::Seconds(5));
    look->Start(absl::ZeroDuration());
    loop_->Run();
    return held;
  }
  // The provider has turned on what it was asked to.
  void Unblock() {
    for (auto& [call, then] : std::exchange(blocked_, {})) {
      call();
      then();
    }
  }
  ChannelState state() const { return channel_->snapshot().state; }
  std::string reason() const { return channel_->snapshot().reason; }
  uint64_t epoch() const { return channel_->log().extent().epoch; }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
  hub::Hub hub_{{}, [](std::string_view) { return hub::LogLimits(); }};
  SourcePolicy policy_;
  int problems_ = 0;
  int ended_ = 0;
  bool blocks_ = false;  // the provider takes its time
  std::vector<std::pair<std::function<void()>, EventLoop::Task>> blocked_;
  ChannelSourceContext context_;
  FakeLink link_;
  std::shared_ptr<hub::Channel> channel_;
  std::unique_ptr<ChannelSource> source_;
  std::unique_ptr<hub::ChannelDemand> demand_;
};

TEST_F(ChannelSourceTest, NobodyReadsNothingIsAttached) {
  Register();
  EXPECT_EQ(state(), ChannelState::kIdle);
  EXPECT_EQ(link_.attempts, 0);
}

TEST_F(ChannelSourceTest, TheFirstReaderAttachesIt) {
  Register();
  Demand();
  ASSERT_NE(link_.attached, nullptr);
  EXPECT_EQ(link_.attached->log_, &channel_->log());
  EXPECT_EQ(state(), ChannelState::kLive);
  EXPECT_EQ(epoch(), source::EpochOf(kBootId, kName, 100));
  EXPECT_NE(channel_->snapshot().schema, nullptr);
}

TEST_F(ChannelSourceTest, AReaderWhoCameFirstIsServedWhenTheChannelComes) {
  Demand();
  EXPECT_EQ(link_.attempts, 0);
  Register();
  EXPECT_EQ(state(), ChannelState::kLive);
}

TEST_F(ChannelSourceTest, AlwaysMeansWithoutAReader) {
  policy_.always = true;
  Register();
  EXPECT_EQ(state(), ChannelState::kLive);
}

TEST_F(ChannelSourceTest, AChannelThatOnlyTakesCommandsIsNotAttached) {
  policy_.always = true;
  ChannelMessage message = link_.Message();
  message.description.direction = hub::Direction::kToKernel;
  source_->SetKernel(link_, message);
  EXPECT_EQ(link_.attempts, 0);
  EXPECT_EQ(state(), ChannelState::kIdle);
}

TEST_F(ChannelSourceTest, ItStaysOnForAWhileAfterItsLastReader) {
  policy_.idle_close = absl::Milliseconds(1);
  Register();
  Demand();
  DropDemand();
  EXPECT_NE(link_.attached, nullptr);
  EXPECT_TRUE(RunUntil([&] { return link_.attached == nullptr; }));
  EXPECT_EQ(state(), ChannelState::kIdle);
}

TEST_F(ChannelSourceTest, AReaderWhoComesBackInTimeKeepsItOn) {
  policy_.idle_close = absl::Milliseconds(20);
  Register();
  Demand();
  DropDemand();
  Demand();
  int looks = 0;
  EXPECT_TRUE(RunUntil([&] { return ++looks == 50; }));
  EXPECT_NE(link_.attached, nullptr);
  EXPECT_EQ(link_.attempts, 1);
}

TEST_F(ChannelSourceTest, TheSameActivationGoesOnInItsEpoch) {
  policy_.idle_close = absl::ZeroDuration();
  Register();
  Demand();
  channel_->log().Append({}, {});
  channel_->log().Append({}, {});
  channel_->log().Publish();
  const uint64_t first = epoch();
  DropDemand();
  ASSERT_TRUE(RunUntil([&] { return link_.attached == nullptr; }));
  link_.next_sequence = 3;
  Demand();
  EXPECT_EQ(epoch(), first);
  EXPECT_EQ(channel_->log().next_sequence(), 3u);
}

TEST_F(ChannelSourceTest, NumbersUsedUpWhileItWasDetachedAreLostHere) {
  policy_.idle_close = absl::ZeroDuration();
  Register();
  Demand();
  channel_->log().Append({}, {});
  channel_->log().Publish();
  const uint64_t first = epoch();
  DropDemand();
  ASSERT_TRUE(RunUntil([&] { return link_.attached == nullptr; }));
  link_.next_sequence = 7;
  Demand();
  EXPECT_EQ(epoch(), first);
  EXPECT_EQ(channel_->log().next_sequence(), 7u);
  const hub::LogExtent extent = channel_->log().extent();
  EXPECT_EQ(extent.lost[static_cast<size_t>(hub::LossStage::kSource)], 5u);
  EXPECT_EQ(extent.last_sequence, 6u);
}

TEST_F(ChannelSourceTest, BlocksAreLiveWithoutBeingRead) {
  ChannelMessage message = link_.Message(KCHAN_STATE_LIVE);
  message.description.volume = hub::Volume::kBulk;
  policy_.always = true;
  source_->SetKernel(link_, message);
  EXPECT_EQ(link_.attempts, 0);
  EXPECT_EQ(state(), ChannelState::kLive);
  source_->Gone(1, "its module left");
  EXPECT_EQ(state(), ChannelState::kEnded);
}

TEST_F(ChannelSourceTest, ValuesAreFollowedWhileWatchedWhateverTheirDirection) {
  ChannelMessage message = link_.Message();
  message.description.volume = hub::Volume::kValue;
  message.description.direction = hub::Direction::kToKernel;
  link_.volume = hub::Volume::kValue;
  source_->SetKernel(link_, message);
  EXPECT_EQ(state(), ChannelState::kIdle);
  Demand();
  EXPECT_NE(link_.attached, nullptr);
  EXPECT_EQ(epoch(), 0u);  // no records, no numbers
  // There is nothing to miss: no need to stay.
  DropDemand();
  EXPECT_TRUE(RunUntil([&] { return link_.attached == nullptr; }));
}

TEST_F(ChannelSourceTest, NumbersThatWouldComeTwiceBelongToAnotherEpoch) {
  policy_.idle_close = absl::ZeroDuration();
  Register();
  Demand();
  for (int i = 0; i < 5; ++i) channel_->log().Append({}, {});
  channel_->log().Publish();
  const uint64_t first = epoch();
  for (int i = 0; i < 2; ++i) {
    DropDemand();
    ASSERT_TRUE(RunUntil([&] { return link_.attached == nullptr; }));
    link_.next_sequence = 2;  // as if somebody had moved consumer_pos back
    Demand();
    EXPECT_NE(epoch(), first);
    EXPECT_EQ(channel_->log().next_sequence(), 2u);
  }
}

TEST_F(ChannelSourceTest, AModuleThatLeavesEndsItAndItsRecordsAreReadFirst) {
  Register();
  Demand();
  source_->Gone(1, "its module left");
  EXPECT_EQ(link_.told_gone, 1);
  EXPECT_EQ(state(), ChannelState::kLive);  // until the source has read everything
  link_.attached->End(absl::OkStatus());
  EXPECT_EQ(state(), ChannelState::kEnded);
  EXPECT_EQ(reason(), "its module left");
  EXPECT_EQ(link_.attempts, 1);
}

TEST_F(ChannelSourceTest, ADeadRingBeforeTheAnnouncementIsAnEndToo) {
  Register();
  Demand();
  link_.attached->End(absl::OkStatus());
  EXPECT_EQ(state(), ChannelState::kEnded);
  EXPECT_NE(reason().find("fake"), std::string::npos);
  source_->SetKernel(link_, link_.Message(KCHAN_STATE_DEAD));
  source_->Gone(1, "its module left");
  EXPECT_EQ(state(), ChannelState::kEnded);
  EXPECT_EQ(link_.attempts, 1);
}

TEST_F(ChannelSourceTest, AModuleThatComesBackGoesOnInANewEpoch) {
  Register();
  Demand();
  const uint64_t first = epoch();
  source_->Gone(1, "its module left");
  link_.attached->End(absl::OkStatus());
  link_.id = 2;
  link_.generation = 200;
  Register();
  EXPECT_EQ(state(), ChannelState::kLive);
  EXPECT_NE(epoch(), first);
}

TEST_F(ChannelSourceTest, ASuccessorAnnouncedBeforeTheEndIsAttachedAfterIt) {
  Register();
  Demand();
  link_.id = 2;
  link_.generation = 200;
  Register();
  EXPECT_EQ(link_.attempts, 1);
  link_.attached->End(absl::OkStatus());
  EXPECT_EQ(link_.attempts, 2);
  EXPECT_EQ(state(), ChannelState::kLive);
  source_->Gone(1, "late news of the first");
  EXPECT_EQ(state(), ChannelState::kLive);
}

TEST_F(ChannelSourceTest, WhatFailsSaysWhyAndIsTriedAgain) {
  link_.attach_error = absl::AlreadyExistsError("it has a reader already");
  Register();
  Demand();
  EXPECT_EQ(state(), ChannelState::kFailed);
  EXPECT_EQ(reason(), "it has a reader already");
  EXPECT_TRUE(absl::IsAlreadyExists(source_->problem()));
  EXPECT_EQ(problems_, 1);
  // Its own attempts are announced, too: no reason to try at once.
  Register();
  EXPECT_EQ(link_.attempts, 1);
  link_.attach_error = absl::OkStatus();
  EXPECT_TRUE(RunUntil([&] { return link_.attached != nullptr; }));
  EXPECT_EQ(state(), ChannelState::kLive);
  EXPECT_TRUE(source_->problem().ok());
  EXPECT_EQ(problems_, 2);
}

TEST_F(ChannelSourceTest, AnotherBudgetIsAReasonToTryAtOnce) {
  link_.attach_error = absl::ResourceExhaustedError("over budget");
  Register();
  Demand();
  link_.attach_error = absl::OkStatus();
  ChannelMessage message = link_.Message();
  message.description.budget_bytes = 1 << 24;
  source_->SetKernel(link_, message);
  EXPECT_EQ(state(), ChannelState::kLive);
}

TEST_F(ChannelSourceTest, WhatNobodyWantsAnyMoreIsNotTriedAgain) {
  link_.attach_error = absl::InternalError("broken");
  Register();
  Demand();
  DropDemand();
  EXPECT_EQ(state(), ChannelState::kIdle);
  EXPECT_TRUE(source_->problem().ok());
}

TEST_F(ChannelSourceTest, ASchemaOfAnotherRegistrationIsNotUsed) {
  link_.registered_anew = true;
  Register();
  Demand();
  EXPECT_EQ(state(), ChannelState::kFailed);
  EXPECT_EQ(link_.attached, nullptr);
  link_.registered_anew = false;
  EXPECT_TRUE(RunUntil([&] { return state() == ChannelState::kLive; }));
}

TEST_F(ChannelSourceTest, ASourceThatBreaksIsAFailure) {
  Register();
  Demand();
  link_.attached->End(absl::DataLossError("the ring lies"));
  EXPECT_EQ(state(), ChannelState::kFailed);
  EXPECT_EQ(reason(), "the ring lies");
  EXPECT_TRUE(RunUntil([&] { return state() == ChannelState::kLive; }));
}

TEST_F(ChannelSourceTest, TheKernelSideGoneDropsItAtOnce) {
  Register();
  Demand();
  source_->LinkGone("the kernel side is gone");
  EXPECT_EQ(link_.attached, nullptr);
  EXPECT_EQ(state(), ChannelState::kEnded);
  EXPECT_EQ(reason(), "the kernel side is gone");
  link_.id = 1;  // a module that was loaded anew counts from 1 again
  link_.generation = 300;
  Register();
  EXPECT_EQ(state(), ChannelState::kLive);
}

TEST_F(ChannelSourceTest, AnAppearedRingIsPassedOnWhileAttached) {
  Register();
  source_->RingsAppeared();
  EXPECT_EQ(link_.rings_appeared, 0);
  Demand();
  source_->RingsAppeared();
  EXPECT_EQ(link_.rings_appeared, 1);
}

TEST(EpochTest, AnEpochIsOfItsBootChannelAndGeneration) {
  const uint64_t epoch = source::EpochOf("boot", "exec", 7);
  EXPECT_EQ(epoch, source::EpochOf("boot", "exec", 7));
  EXPECT_NE(epoch, source::EpochOf("other", "exec", 7));
  EXPECT_NE(epoch, source::EpochOf("boot", "exit", 7));
  EXPECT_NE(epoch, source::EpochOf("boot", "exec", 8));
  EXPECT_NE(source::EpochOf("ab", "c", 7), source::EpochOf("a", "bc", 7));
  // Written down, since cursors outlive daemons.
  EXPECT_EQ(epoch, 3213883253961014923u);
}

TEST_F(ChannelSourceTest, UntilItsProviderHasTurnedItOnItIsAsItWas) {
  blocks_ = true;
  Register();
  Demand();
  EXPECT_EQ(state(), ChannelState::kIdle);
  source_->Reconsider();
  EXPECT_EQ(link_.attempts, 1) << "one at a time";
  Unblock();
  EXPECT_EQ(state(), ChannelState::kLive);
  EXPECT_NE(link_.attached, nullptr);
}

TEST_F(ChannelSourceTest, ReaderWhoLeftMeanwhileLeavesItIdle) {
  blocks_ = true;
  policy_.idle_close = absl::Milliseconds(1);
  Register();
  Demand();
  DropDemand();
  Unblock();
  EXPECT_TRUE(RunUntil([&] { return state() == ChannelState::kIdle && !link_.attached; }));
}

TEST_F(ChannelSourceTest, ChannelThatGoesMeanwhileEndsAndIsNotAttached) {
  blocks_ = true;
  Register();
  Demand();
  source_->Gone(link_.id, "unloaded");
  EXPECT_EQ(state(), ChannelState::kEnded);
  EXPECT_EQ(ended_, 1);
  Unblock();
  EXPECT_EQ(state(), ChannelState::kEnded);
  EXPECT_EQ(link_.attached, nullptr);
}

TEST_F(ChannelSourceTest, LinkThatGoesMeanwhileIsNotTouchedAgain) {
  blocks_ = true;
  Register();
  Demand();
  source_->LinkGone("gone");
  Unblock();
  EXPECT_EQ(link_.attached, nullptr);
  Register();
  Unblock();
  EXPECT_EQ(state(), ChannelState::kLive) << "it has come back";
}

TEST_F(ChannelSourceTest, SourceThatGoesMeanwhileIsNotTouchedAgain) {
  blocks_ = true;
  Register();
  Demand();
  source_.reset();
  Unblock();
  EXPECT_EQ(link_.attached, nullptr);
}

TEST_F(ChannelSourceTest, RegisteredAnewMeanwhileItIsTriedAgain) {
  blocks_ = true;
  Register();
  Demand();
  link_.registered_anew = true;
  Unblock();
  EXPECT_EQ(state(), ChannelState::kFailed);
  link_.registered_anew = false;
  ASSERT_TRUE(RunUntil([&] { return !blocked_.empty(); }));
  Unblock();
  EXPECT_EQ(state(), ChannelState::kLive);
}

}  // namespace
}  // namespace kchan::testing
