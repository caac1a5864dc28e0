// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "tests/unit/hub/subscription_testing.h"

namespace kchan::hub {
namespace {

using testing::ByGlob;
using testing::ByName;
using testing::Decode;
using testing::SubscriptionTest;
using Lines = std::vector<std::string>;

TEST_F(SubscriptionTest, SaysWhatItIsThenHistoryThenLive) {
  auto exec = AddLive("exec");
  Append(*exec, 5);
  Open(ByName("exec"));
  EXPECT_EQ(Script(), (Lines{"update exec live epoch 225", "records exec 1-5", "history exec 5"}));
  EXPECT_EQ(waiter_.count, 0);
  Append(*exec, 2);
  EXPECT_EQ(waiter_.count, 1);
  EXPECT_EQ(Script(), Lines{"records exec 6-7"});
}

TEST_F(SubscriptionTest, NowHasItsHistoryBehindIt) {
  auto exec = AddLive("exec");
  Append(*exec, 5);
  Open(ByName("exec", StartNow{}));
  ASSERT_EQ(subscription_->cursors().size(), 1u);
  EXPECT_EQ(subscription_->cursors()[0].cursor, (Cursor{kEpoch, 5}));
  EXPECT_EQ(Script(), (Lines{"update exec live epoch 225", "history exec 5"}));
}

TEST_F(SubscriptionTest, HistoryEndsOnceAlsoInsideABatch) {
  auto exec = AddLive("exec");
  Append(*exec, 5);
  Open(ByName("exec"));
  Append(*exec, 5);
  EXPECT_EQ(Script(), (Lines{"update exec live epoch 225", "records exec 1-10", "history exec 5"}));
}

TEST_F(SubscriptionTest, ChannelThatWasNeverLiveHasNoCursor) {
  auto exec = Add("exec");
  Open(ByName("exec"));
  EXPECT_TRUE(subscription_->cursors().empty());
  EXPECT_EQ(Script(), (Lines{"update exec idle epoch 0", "history exec 0"}));
  exec->log().StartEpoch(kEpoch, kSchema, 1);
  EXPECT_EQ(waiter_.count, 1);
  EXPECT_EQ(Script(), (Lines{"update exec idle epoch 225"}));
  Append(*exec, 1);
  EXPECT_EQ(Script(), (Lines{"records exec 1-1"}));
}

TEST_F(SubscriptionTest, NewEpochIsAnnouncedBeforeItsFirstBatch) {
  auto exec = AddLive("exec");
  Append(*exec, 1);
  Open(ByName("exec"));
  Script();
  Append(*exec, 1);
  exec->log().StartEpoch(7, kSchema, 1);
  Append(*exec, 2);
  exec->SetState(ChannelState::kFailed, "why");
  EXPECT_EQ(Script(), (Lines{"update exec failed epoch 225", "records exec 2-2",
                             "update exec failed epoch 7", "records exec 1-2"}));
}

TEST_F(SubscriptionTest, HistoryOfAnOldEpochIsAnnouncedAsThat) {
  auto exec = AddLive("exec");
  Append(*exec, 2);
  exec->log().StartEpoch(7, kSchema, 1);
  Append(*exec, 3);
  Open(ByName("exec"));
  EXPECT_EQ(Script(), (Lines{"update exec live epoch 225", "records exec 1-2",
                             "update exec live epoch 7", "records exec 1-3", "history exec 3"}));
}

TEST_F(SubscriptionTest, UnknownNameIsNotFound) {
  Add("exec");
  const absl::Status status = TryOpen({.selections = {ByName("exec"), ByName("nope")}});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "selections[1].name: there is no channel \"nope\"");
}

TEST_F(SubscriptionTest, WrongSelectionsAreInvalid) {
  auto exec = AddLive("exec");
  Append(*exec, 3);
  const Start beyond = StartAt{{kEpoch, 4}};
  const Start fine = StartAt{{kEpoch, 3}};
  const std::pair<std::vector<Selection>, std::string> cases[] = {
      {{}, "selections: "},
      {{ByGlob("[")}, "selections[0].glob: "},
      {{ByGlob("x"), ByGlob("")}, "selections[1].glob: "},
      {{ByName("exec", beyond)}, "selections[0].start.cursor: "},
      {{ByGlob("exec", beyond)}, "selections[0].start.cursor: "},
      {{ByGlob("e*", fine)}, "selections[0].start.cursor: "},
  };
  for (const auto& [selections, prefix] : cases) {
    const absl::Status status = TryOpen({.selections = selections});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << prefix;
    EXPECT_EQ(std::string(status.message()).substr(0, prefix.size()), prefix);
  }
  EXPECT_TRUE(TryOpen({.selections = {ByGlob("exec", fine)}}).ok());
}

TEST_F(SubscriptionTest, GlobTakesWhatThereIsAndWhatComes) {
  Append(*AddLive("net.a"), 1);
  Append(*AddLive("exec"), 1);
  Open(ByGlob("net.*", StartNow{}));
  EXPECT_EQ(Script(), (Lines{"update net.a live epoch 225", "history net.a 1"}));
  // One that comes later is read from its beginning.
  Append(*AddLive("net.b"), 2);
  EXPECT_EQ(waiter_.count, 1);
  EXPECT_EQ(Script(),
            (Lines{"update net.b live epoch 225", "records net.b 1-2", "history net.b 2"}));
}

TEST_F(SubscriptionTest, GlobThatMatchesNothingWaits) {
  Open(ByGlob("*"));
  EXPECT_EQ(Script(), Lines{});
  Append(*AddLive("exec"), 1);
  EXPECT_EQ(waiter_.count, 1);
  EXPECT_EQ(Script().size(), 3u);
}

TEST_F(SubscriptionTest, CursorWaitsForItsChannel) {
  Open(ByGlob("exec", StartAt{{kEpoch, 2}}));
  EXPECT_EQ(Script(), Lines{});
  Append(*AddLive("exec"), 5);
  EXPECT_EQ(Script(), (Lines{"update exec live epoch 225", "records exec 3-5", "history exec 5"}));
}

TEST_F(SubscriptionTest, FirstSelectionThatMatchesDecides) {
  auto exec = AddLive("exec");
  Append(*exec, 5);
  Open({.selections = {ByName("exec", StartLast{2}), ByGlob("*")}});
  EXPECT_EQ(Script(), (Lines{"update exec live epoch 225", "records exec 4-5", "history exec 5"}));
}

TEST_F(SubscriptionTest, KeepsItsChannelsWanted) {
  auto exec = Add("exec");
  Add("net");
  Open(ByGlob("e*"));
  EXPECT_EQ(exec->readers(), 1u);
  EXPECT_EQ(hub_.Find("net")->readers(), 0u);
  subscription_.reset();
  EXPECT_EQ(exec->readers(), 0u);
}

TEST_F(SubscriptionTest, StateChangesAreTold) {
  auto exec = AddLive("exec");
  Open(ByName("exec"));
  Script();
  exec->SetState(ChannelState::kEnded, "unloaded");
  EXPECT_EQ(waiter_.count, 1);
  const SubscriptionOutput output = Next();
  const auto* update = std::get_if<ChannelUpdateOut>(&output);
  ASSERT_NE(update, nullptr);
  EXPECT_EQ(update->state, ChannelState::kEnded);
  EXPECT_EQ(update->reason, "unloaded");
  EXPECT_EQ(update->schema_id, kSchema);
  EXPECT_EQ(Script(), Lines{});
}

TEST_F(SubscriptionTest, AnotherChannelsChangesAreNot) {
  AddLive("exec");
  Open(ByName("exec"));
  Script();
  AddLive("net");
  EXPECT_EQ(Script(), Lines{});
}

TEST_F(SubscriptionTest, RemovedChannelEndsItAfterWhatIsLeft) {
  auto exec = AddLive("exec");
  Open(ByName("exec"));
  Script();
  Append(*exec, 2);
  hub_.Remove("exec");
  const SubscriptionOutput ended = Next();
  ASSERT_TRUE(std::holds_alternative<ChannelUpdateOut>(ended));
  EXPECT_EQ(std::get<ChannelUpdateOut>(ended).state, ChannelState::kEnded);
  EXPECT_EQ(Decode(NextBatch().batch).size(), 2u);
  EXPECT_EQ(subscription_->Next().status().code(), absl::StatusCode::kNotFound);
}

TEST_F(SubscriptionTest, RemovedChannelLeavesTheOthers) {
  auto exec = AddLive("exec");
  auto net = AddLive("net");
  Open({.selections = {ByName("exec"), ByName("net")}});
  Script();
  hub_.Remove("exec");
  Append(*net, 1);
  EXPECT_EQ(Script(), (Lines{"update exec ended epoch 225", "records net 1-1"}));
  EXPECT_EQ(subscription_->cursors().size(), 1u);
}

TEST_F(SubscriptionTest, ChannelThatIsMadeAgainIsReadAgain) {
  AddLive("exec");
  Open(ByGlob("exec"));
  Script();
  hub_.Remove("exec");
  auto again = AddLive("exec");
  Append(*again, 1);
  EXPECT_EQ(Script(), (Lines{"update exec ended epoch 225", "update exec live epoch 225",
                             "records exec 1-1", "history exec 1"}));
  EXPECT_TRUE(subscription_->Acknowledge("exec", {kEpoch, 1}).ok());
}

TEST_F(SubscriptionTest, PausedGivesNoBatches) {
  auto exec = AddLive("exec");
  Open(ByName("exec"));
  Script();
  subscription_->SetPaused(true);
  EXPECT_EQ(Script(), Lines{});
  Append(*exec, 3);
  EXPECT_EQ(waiter_.count, 1) << "armed before the pause";
  EXPECT_EQ(Script(), Lines{});
  Append(*exec, 3);
  EXPECT_EQ(waiter_.count, 1) << "a pause costs nothing";
  exec->SetState(ChannelState::kEnded, "");
  EXPECT_EQ(Script(), Lines{"update exec ended epoch 225"});
  subscription_->SetPaused(false);
  EXPECT_EQ(Script(), Lines{"records exec 1-6"});
}

TEST_F(SubscriptionTest, OvertakenGoesOnWithTheOldest) {
  auto exec = AddLive("exec");
  Open(ByName("exec"));
  Script();
  Append(*exec, 1000, 500);
  const uint64_t oldest = exec->log().extent().oldest_sequence;
  const Lines lines = Script();
  EXPECT_EQ(lines.front(), "lost exec " + std::to_string(oldest - 1));
}

TEST_F(SubscriptionTest, OvertakenIsDisconnectedIfItAskedForThat) {
  auto exec = AddLive("exec");
  Open({.selections = {ByName("exec")}, .overflow_policy = OverflowPolicy::kDisconnect});
  Script();
  Append(*exec, 1000, 500);
  const auto output = subscription_->Next();
  EXPECT_EQ(output.status().code(), absl::StatusCode::kOutOfRange);
  // The cursor is before the loss: a new subscription reports it.
  EXPECT_EQ(subscription_->cursors().at(0).cursor, (Cursor{kEpoch, 0}));
}

TEST_F(SubscriptionTest, KernelSideLossDoesNotDisconnect) {
  auto exec = AddLive("exec");
  Open({.selections = {ByName("exec")}, .overflow_policy = OverflowPolicy::kDisconnect});
  Script();
  exec->log().AppendLoss({.count = 5, .stage = LossStage::kKernelRing});
  Append(*exec, 1);
  EXPECT_EQ(Script(), (Lines{"lost exec 5", "records exec 6-6"}));
}

TEST_F(SubscriptionTest, BusyChannelDoesNotStarveAQuietOne) {
  auto busy = AddLive("busy");
  auto quiet = AddLive("quiet");
  Open({.selections = {ByGlob("*")}, .max_batch_bytes = 4096});
  Script();
  Append(*busy, 400, 100);
  Append(*quiet, 1, 100);
  for (int i = 0; i < 3; ++i) {
    if (NextBatch().channel->name() == "quiet") return;
  }
  FAIL() << "three batches of the busy one came first";
}

TEST_F(SubscriptionTest, ChannelsShareByBytes) {
  auto large = AddLive("large");
  auto small = AddLive("small");
  Open({.selections = {ByGlob("*")}, .max_batch_bytes = 4096});
  Script();
  std::map<std::string, size_t> bytes;
  for (int i = 0; i < 200; ++i) {
    // Both always have something; one record of `large` is three batches long.
    Append(*large, 2, 12'000);
    Append(*small, 200, 50);
    const BatchOut out = NextBatch();
    bytes[out.channel->name()] += out.batch.body_bytes;
  }
  EXPECT_GT(bytes["small"], bytes["large"] * 8 / 10);
  EXPECT_GT(bytes["large"], bytes["small"] * 8 / 10);
}

TEST_F(SubscriptionTest, HoldsNoMemoryBetweenBatches) {
  auto exec = AddLive("exec");
  Append(*exec, 20, 500);
  Open({.selections = {ByName("exec")}, .max_batch_bytes = 4096});
  NextBatch();
  Append(*exec, 1000, 500);
  EXPECT_EQ(hub_.memory().pinned_bytes.load(), 0u);
}

TEST_F(SubscriptionTest, NotNotifiedAfterItsEnd) {
  auto exec = AddLive("exec");
  Open(ByGlob("*"));
  Script();
  subscription_.reset();
  Append(*exec, 1);
  AddLive("net");
  EXPECT_EQ(waiter_.count, 0);
}

TEST_F(SubscriptionTest, ChannelWithoutRecordsIsNotSelected) {
  ChannelDescription description;
  description.name = "limits";
  description.volume = Volume::kValue;
  const auto channel = hub_.Upsert(std::make_shared<const ChannelDescription>(description));
  const auto by_name = TryOpen({.selections = {ByName("limits")}});
  EXPECT_EQ(by_name.code(), absl::StatusCode::kFailedPrecondition) << by_name;
  Open(ByGlob("*"));
  EXPECT_EQ(Script(), std::vector<std::string>{});
  EXPECT_EQ(channel->readers(), 0u);
}

}  // namespace
}  // namespace kchan::hub
