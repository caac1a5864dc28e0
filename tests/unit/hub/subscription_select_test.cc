// SPDX-License-Identifier: Apache-2.0
// What a subscriber chooses beside channels: since, until, so many, sampling, a
// rate limit, what happens when it is overtaken.
#include <limits>

#include "tests/unit/hub/subscription_testing.h"

namespace kchan::hub {
namespace {

using testing::ByGlob;
using testing::ByName;
using testing::Decode;
using testing::LostNumbers;
using testing::RecordNumbers;
using testing::Seen;
using testing::SubscriptionTest;
using Lines = std::vector<std::string>;

constexpr int64_t kOffsetNs = 1'000'000'000'000;

class SelectTest : public SubscriptionTest {
 protected:
  // Record n is made at 1000 * n; UTC is kOffsetNs more.
  static void AppendTimed(Channel& channel, uint64_t count, size_t bytes = 16) {
    for (; count > 0; --count) {
      const uint64_t n = channel.log().next_sequence();
      AppendAt(channel, 1000 * n, bytes);
    }
    channel.log().Publish();
  }
  static void AppendAt(Channel& channel, uint64_t boottime_ns, size_t bytes = 16) {
    const std::string payload(bytes, 'x');
    channel.log().Append({.boottime_ns = boottime_ns, .cpu = 0, .type = 1},
                         std::as_bytes(std::span(payload)));
  }

  SubscriptionOptions Options(const Selection& selection) {
    return {.selections = {selection}, .clock_offset_ns = kOffsetNs, .boottime_ns = [this] {
              return now_ns_;
            }};
  }
  static Selection Since(const std::string& name, uint64_t boottime_ns) {
    return {.pattern = name,
            .start = StartSince{},
            .since_utc_ns = kOffsetNs + static_cast<int64_t>(boottime_ns)};
  }
  static int64_t Utc(uint64_t boottime_ns) { return kOffsetNs + static_cast<int64_t>(boottime_ns); }

  uint64_t now_ns_ = 1'000'000;
};

const std::string kLive = "update exec live epoch 225";

TEST_F(SelectTest, SinceWithholdsWhatIsOlder) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 10);
  Open(Options(Since("exec", 4000)));
  EXPECT_EQ(Script(), (Lines{kLive, "filtered exec 3", "records exec 4-10", "history exec 10"}));
}

TEST_F(SelectTest, SinceATimeBetweenTwoRecordsTakesTheLater) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 5);
  Open(Options(Since("exec", 4001)));
  EXPECT_EQ(Script(), (Lines{kLive, "filtered exec 4", "records exec 5-5", "history exec 5"}));
}

TEST_F(SelectTest, SinceWithholdsAnOlderRecordThatStandsLater) {
  auto exec = AddLive("exec");
  for (const uint64_t time : {1000, 5000, 2000, 6000}) AppendAt(*exec, time);
  exec->log().Publish();
  Open(Options(Since("exec", 4000)));
  const BatchOut out = NextBatch();
  EXPECT_EQ(RecordNumbers(Decode(out.batch)), (std::vector<uint64_t>{2, 4}));
  EXPECT_EQ(out.batch.filtered, 2u);
  EXPECT_EQ(out.batch.sampled, 0u);
}

TEST_F(SelectTest, SinceATimeToComeWaitsForIt) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 3);
  Open(Options(Since("exec", 6000)));
  EXPECT_EQ(Script(), (Lines{kLive, "history exec 3"}));
  AppendTimed(*exec, 2);
  EXPECT_EQ(Script(), Lines{}) << "what is withheld makes no batch of its own";
  AppendTimed(*exec, 1);
  EXPECT_EQ(Script(), (Lines{"filtered exec 2", "records exec 6-6"}));
}

TEST_F(SelectTest, LossesPassAlsoAcrossTheTime) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 2);
  exec->log().AppendLoss({.count = 5, .stage = LossStage::kKernelRing});
  AppendTimed(*exec, 2);
  Open(Options(Since("exec", 9000)));
  EXPECT_EQ(Script(),
            (Lines{kLive, "lost exec 5", "filtered exec 3", "records exec 9-9", "history exec 9"}));
}

TEST_F(SelectTest, SinceGoesOnInTheNextEpoch) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 3);
  exec->log().StartEpoch(7, kSchema, 1);
  for (const uint64_t time : {2000, 9000}) AppendAt(*exec, time);
  exec->log().Publish();
  Open(Options(Since("exec", 3000)));
  EXPECT_EQ(Script(),
            (Lines{kLive, "filtered exec 2", "records exec 3-3", "update exec live epoch 7",
                   "filtered exec 1", "records exec 2-2", "history exec 2"}));
}

TEST_F(SelectTest, WithheldEndOfAnEpochIsCountedThere) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 3);
  Open({.selections = {ByName("exec")}, .sample_every = 4});
  EXPECT_EQ(Script(), (Lines{kLive, "filtered exec 3", "history exec 3"}));
  AppendTimed(*exec, 3);
  exec->log().StartEpoch(7, kSchema, 1);
  AppendTimed(*exec, 4);
  EXPECT_EQ(Script(), (Lines{"filtered exec 2", "records exec 4-4", "update exec live epoch 7",
                             "filtered exec 3", "records exec 4-4"}));
}

TEST_F(SelectTest, ResumingBehindACursorKeepsTheTime) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 3);
  Selection selection = Since("exec", 5000);
  selection.start = StartAt{{kEpoch, 2}};
  Open(Options(selection));
  AppendTimed(*exec, 3);
  EXPECT_EQ(Script(), (Lines{kLive, "filtered exec 2", "records exec 5-6", "history exec 3"}));
}

TEST_F(SelectTest, ClockThatIsSetMovesTheTime) {
  auto exec = AddLive("exec");
  Open(Options(Since("exec", 5000)));
  Script();
  subscription_->SetClockOffset(kOffsetNs + 3000);  // the same UTC was earlier
  AppendTimed(*exec, 3);
  EXPECT_EQ(Script(), (Lines{"filtered exec 1", "records exec 2-3"}));
}

TEST_F(SelectTest, EndsBehindSoManyRecordsAndResumesThere) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 5);
  auto options = Options(ByName("exec"));
  options.stop.records = 3;
  Open(options);
  EXPECT_EQ(Script(), (Lines{kLive, "records exec 1-3", "end"}));
  EXPECT_EQ(Script(), Lines{"end"}) << "it stays so";
  EXPECT_EQ(subscription_->cursors().at(0).cursor, (Cursor{kEpoch, 3}));
  Open(ByName("exec", StartAt{{kEpoch, 3}}));
  EXPECT_EQ(Script(), (Lines{kLive, "records exec 4-5", "history exec 5"}));
}

TEST_F(SelectTest, CountIsOfAllChannelsAndExactAtEveryBatchSize) {
  for (const uint64_t records : {1, 2, 7, 12, 40}) {
    for (const char* name : {"a", "b"}) {
      if (hub_.Find(name)) hub_.Remove(name);
      AppendTimed(*AddLive(name), 10, 300);
    }
    SubscriptionOptions options{.selections = {ByGlob("*")}, .max_batch_bytes = 1000};
    options.stop.records = records;
    Open(options);
    uint64_t given = 0;
    for (BatchOut out = NextBatch(); !out.batch.empty(); out = NextBatch()) {
      given += RecordNumbers(Decode(out.batch)).size();
    }
    EXPECT_EQ(given, std::min<uint64_t>(records, 20));
  }
}

TEST_F(SelectTest, MoreRecordsThanTheLogHasAreWaitedFor) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 2);
  auto options = Options(ByName("exec"));
  options.stop.records = 4;
  Open(options);
  EXPECT_EQ(Script(), (Lines{kLive, "records exec 1-2", "history exec 2"}));
  AppendTimed(*exec, 5);
  EXPECT_EQ(Script(), (Lines{"records exec 3-4", "end"}));
}

TEST_F(SelectTest, LossBehindTheLastRecordIsLeftToTheNext) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 2);
  exec->log().AppendLoss({.count = 5, .stage = LossStage::kKernelRing});
  AppendTimed(*exec, 1);
  auto options = Options(ByName("exec"));
  options.stop.records = 2;
  Open(options);
  EXPECT_EQ(Script(), (Lines{kLive, "records exec 1-2", "end"}));
  EXPECT_EQ(subscription_->cursors().at(0).cursor.sequence, 2u);
}

TEST_F(SelectTest, UntilEndsAtTheFirstYoungerRecord) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 5);
  auto options = Options(ByName("exec"));
  options.stop.until_utc_ns = Utc(3000);
  Open(options);
  EXPECT_EQ(Script(), (Lines{kLive, "records exec 1-3", "end"}));
  EXPECT_EQ(subscription_->cursors().at(0).cursor, (Cursor{kEpoch, 3}));
}

TEST_F(SelectTest, UntilTakesEveryChannelToItsTime) {
  AppendTimed(*AddLive("a"), 5);
  auto b = AddLive("b");
  AppendTimed(*b, 2);
  auto options = Options(ByGlob("*"));
  options.stop.until_utc_ns = Utc(3000);
  Open(options);
  EXPECT_EQ(Script(), (Lines{"update a live epoch 225", "update b live epoch 225", "records a 1-3",
                             "records b 1-2", "history b 2"}));
  AppendTimed(*b, 2);
  EXPECT_EQ(waiter_.count, 1);
  EXPECT_EQ(Script(), (Lines{"records b 3-3", "end"}));
}

TEST_F(SelectTest, UntilEndsByTheClockWhenNothingIsLeft) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 2);
  auto options = Options(ByName("exec"));
  options.stop.until_utc_ns = Utc(2'000'000);
  Open(options);
  EXPECT_EQ(Script(), (Lines{kLive, "records exec 1-2", "history exec 2"}));
  ASSERT_EQ(subscription_->ends_at_ns(), 2'000'000 + kUntilGraceNs);
  now_ns_ = *subscription_->ends_at_ns() - 1;
  EXPECT_EQ(Script(), Lines{});
  now_ns_ = *subscription_->ends_at_ns();
  AppendTimed(*exec, 1);
  EXPECT_EQ(Script(), (Lines{"records exec 3-3", "end"})) << "what is there comes first";
}

TEST_F(SelectTest, UntilEndsAGlobThatMatchedNothing) {
  auto options = Options(ByGlob("*"));
  options.stop.until_utc_ns = Utc(10);
  now_ns_ = 10 + kUntilGraceNs;
  Open(options);
  EXPECT_EQ(Script(), Lines{"end"});
}

TEST_F(SelectTest, FirstRecordAlreadyYoungerGivesNothing) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 2);
  auto options = Options(ByName("exec"));
  options.stop.until_utc_ns = Utc(500);
  Open(options);
  EXPECT_EQ(Script(), (Lines{kLive, "end"}));
  EXPECT_EQ(subscription_->cursors().at(0).cursor, (Cursor{kEpoch, 0}));
}

TEST_F(SelectTest, PausedDoesNotEndByTheClock) {
  AddLive("exec");
  auto options = Options(ByName("exec"));
  options.stop.until_utc_ns = Utc(10);
  now_ns_ = 10 + kUntilGraceNs;
  Open(options);
  subscription_->SetPaused(true);
  EXPECT_EQ(Script(), (Lines{kLive, "history exec 0"}));
  subscription_->SetPaused(false);
  EXPECT_EQ(Script(), Lines{"end"});
}

TEST_F(SelectTest, EndOfHistoryGivesNothingThatCameLater) {
  auto exec = AddLive("exec");
  auto idle = Add("idle");
  AppendTimed(*exec, 5);
  auto options = Options(ByGlob("*"));
  options.stop.end_of_history = true;
  Open(options);
  AppendTimed(*exec, 5);
  EXPECT_EQ(Script(), (Lines{kLive, "update idle idle epoch 0", "history idle 0",
                             "records exec 1-5", "history exec 5", "end"}));
}

TEST_F(SelectTest, EndOfHistoryCrossesEpochs) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 2);
  exec->log().StartEpoch(7, kSchema, 1);
  AppendTimed(*exec, 1);
  auto options = Options(ByName("exec"));
  options.stop.end_of_history = true;
  Open(options);
  AppendTimed(*exec, 1);
  exec->log().StartEpoch(8, kSchema, 1);
  EXPECT_EQ(Script(), (Lines{kLive, "records exec 1-2", "update exec live epoch 7",
                             "records exec 1-1", "history exec 1", "end"}));
}

TEST_F(SelectTest, EndOfAnEmptyHistoryIsAtOnce) {
  AddLive("exec");
  auto options = Options(ByName("exec"));
  options.stop.end_of_history = true;
  Open(options);
  EXPECT_EQ(Script(), (Lines{kLive, "history exec 0", "end"}));
}

TEST_F(SelectTest, WithheldHistoryIsCountedBeforeItsEnd) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 5);
  Selection selection = Since("exec", 50'000);
  selection.start = StartOldest{};
  auto options = Options(selection);
  options.stop.end_of_history = true;
  Open(options);
  EXPECT_EQ(Script(), (Lines{kLive, "filtered exec 5", "history exec 5", "end"}));
}

TEST_F(SelectTest, SamplesByNumberSoThatAResumeGoesOn) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 10);
  Open({.selections = {ByName("exec")}, .sample_every = 3});
  BatchOut out = NextBatch();
  EXPECT_EQ(RecordNumbers(Decode(out.batch)), (std::vector<uint64_t>{3, 6, 9}));
  EXPECT_EQ(out.batch.filtered, 7u);
  EXPECT_EQ(out.batch.sampled, 7u);
  EXPECT_EQ(out.batch.last_sequence, 10u);
  Open({.selections = {ByName("exec", StartAt{{kEpoch, 4}})}, .sample_every = 3});
  EXPECT_EQ(RecordNumbers(Decode(NextBatch().batch)), (std::vector<uint64_t>{6, 9}));
}

TEST_F(SelectTest, SampledIsPartOfFiltered) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 10);
  Selection selection = Since("exec", 5000);
  auto options = Options(selection);
  options.sample_every = 5;
  Open(options);
  const BatchOut out = NextBatch();
  EXPECT_EQ(RecordNumbers(Decode(out.batch)), (std::vector<uint64_t>{5, 10}));
  EXPECT_EQ(out.batch.filtered, 8u);
  EXPECT_EQ(out.batch.sampled, 4u) << "4 more were too old";
}

TEST_F(SelectTest, WithheldRecordsAreToldWhenAsked) {
  auto exec = AddLive("exec");
  Open({.selections = {ByName("exec")}, .sample_every = 100});
  Script();
  EXPECT_FALSE(subscription_->TellWithheld());
  AppendTimed(*exec, 7);
  EXPECT_EQ(Script(), Lines{});
  EXPECT_EQ(subscription_->cursors().at(0).cursor.sequence, 0u) << "not before it was told";
  EXPECT_TRUE(subscription_->TellWithheld());
  EXPECT_EQ(Script(), Lines{"filtered exec 7"});
  EXPECT_EQ(subscription_->cursors().at(0).cursor.sequence, 7u);
  EXPECT_FALSE(subscription_->TellWithheld());
}

TEST_F(SelectTest, WithheldRecordsOfARemovedChannelAreToldBeforeItGoes) {
  auto exec = AddLive("exec");
  Open({.selections = {ByGlob("*")}, .sample_every = 100});
  Script();
  AppendTimed(*exec, 7);
  EXPECT_EQ(Script(), Lines{});
  hub_.Remove("exec");
  EXPECT_EQ(Script(), (Lines{"update exec ended epoch 225", "filtered exec 7"}));
  EXPECT_TRUE(subscription_->cursors().empty());
}

TEST_F(SelectTest, LongWithheldStretchIsWalkedInTurns) {
  log_limits_.max_bytes = 8 << 20;
  log_limits_.segment_bytes = 256 << 10;
  auto exec = AddLive("exec");
  AppendTimed(*exec, 5000, 1000);
  Open({.selections = {ByName("exec")}, .sample_every = 4990});
  Next();  // the update
  int turns = 0;
  SubscriptionOutput output = Next();
  for (; std::holds_alternative<MoreOut>(output); output = Next()) ++turns;
  EXPECT_GE(turns, 3);
  const auto* batch = std::get_if<BatchOut>(&output);
  ASSERT_NE(batch, nullptr);
  EXPECT_EQ(RecordNumbers(Decode(batch->batch)), std::vector<uint64_t>{4990});
  EXPECT_EQ(batch->batch.first_sequence, 1u);
}

TEST_F(SelectTest, WithheldChannelLeavesTheOthersTheirTurns) {
  log_limits_.max_bytes = 8 << 20;
  log_limits_.segment_bytes = 256 << 10;
  AppendTimed(*AddLive("a"), 5000, 1000);
  auto b = AddLive("b");
  AppendTimed(*b, 4990);
  Open({.selections = {ByGlob("*")}, .sample_every = 4990});
  for (int i = 0; i < 6; ++i) {
    const SubscriptionOutput output = Next();
    const auto* batch = std::get_if<BatchOut>(&output);
    if (batch != nullptr && batch->channel->name() == "b") return;
  }
  FAIL() << "the long stretch went first";
}

TEST_F(SelectTest, WithheldPlaceThatIsOvertakenIsCountedInOrder) {
  auto exec = AddLive("exec");
  Open({.selections = {ByName("exec")}, .sample_every = 1000});
  Script();
  AppendTimed(*exec, 20);
  EXPECT_EQ(Script(), Lines{});
  AppendTimed(*exec, 980, 500);
  const uint64_t oldest = exec->log().extent().oldest_sequence;
  ASSERT_GT(oldest, 21u);
  EXPECT_EQ(Script(),
            (Lines{"filtered exec 20", "lost exec " + std::to_string(oldest - 21),
                   "filtered exec " + std::to_string(1000 - oldest), "records exec 1000-1000"}));
}

TEST_F(SelectTest, RateLimitGivesABurstThenLoses) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 8);
  auto options = Options(ByName("exec"));
  options.max_records_per_second = 5;
  Open(options);
  const BatchOut out = NextBatch();
  const std::vector<Seen> seen = Decode(out.batch);
  EXPECT_EQ(RecordNumbers(seen), testing::Range(1, 5));
  EXPECT_EQ(LostNumbers(seen, LossStage::kRateLimit), 3u);
  ASSERT_EQ(seen.size(), 6u) << "one loss for all";
  EXPECT_EQ(seen.back().first, 6u);
  EXPECT_EQ(out.batch.filtered, 0u);
}

TEST_F(SelectTest, RateLimitRefillsWithTheTime) {
  auto exec = AddLive("exec");
  auto options = Options(ByName("exec"));
  options.max_records_per_second = 2;
  Open(options);
  Script();
  AppendTimed(*exec, 3);
  EXPECT_EQ(Script(), (Lines{"lost exec 1", "records exec 1-2"}));
  AppendTimed(*exec, 3);
  EXPECT_EQ(Script(), Lines{}) << "losses wait to be joined";
  now_ns_ += 500'000'000;
  AppendTimed(*exec, 1);
  EXPECT_EQ(Script(), (Lines{"lost exec 3", "records exec 7-7"}));
  now_ns_ += 60'000'000'000;
  AppendTimed(*exec, 3);
  EXPECT_EQ(Script(), (Lines{"lost exec 1", "records exec 8-9"})) << "no more than one second's";
}

TEST_F(SelectTest, RateLimitLeavesTheKernelsLossesInTheirPlaces) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 3);
  exec->log().AppendLoss({.count = 5, .stage = LossStage::kKernelRing});
  AppendTimed(*exec, 2);
  auto options = Options(ByName("exec"));
  options.max_records_per_second = 1;
  Open(options);
  const std::vector<Seen> seen = Decode(NextBatch().batch);
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[1].stage, LossStage::kRateLimit);
  EXPECT_EQ(seen[1].count, 2u);
  EXPECT_EQ(seen[2].stage, LossStage::kKernelRing);
  EXPECT_EQ(seen[3].stage, LossStage::kRateLimit);
  EXPECT_EQ(seen[3].first, 9u);
  EXPECT_EQ(seen[3].count, 2u);
}

TEST_F(SelectTest, RateLimitIsOfAllChannelsTogether) {
  AppendTimed(*AddLive("a"), 5);
  AppendTimed(*AddLive("b"), 5);
  auto options = Options(ByGlob("*"));
  options.max_records_per_second = 7;
  Open(options);
  uint64_t records = 0;
  uint64_t lost = 0;
  for (BatchOut out = NextBatch(); !out.batch.empty(); out = NextBatch()) {
    records += RecordNumbers(Decode(out.batch)).size();
    lost += LostNumbers(Decode(out.batch), LossStage::kRateLimit);
  }
  EXPECT_EQ(records, 7u);
  EXPECT_EQ(lost, 3u);
}

TEST_F(SelectTest, StopCountsOnlyWhatTheRateLimitLetPass) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 5);
  auto options = Options(ByName("exec"));
  options.max_records_per_second = 2;
  options.stop.records = 3;
  Open(options);
  EXPECT_EQ(Script(), (Lines{kLive, "lost exec 3", "records exec 1-2", "history exec 5"}));
  now_ns_ += 500'000'000;
  AppendTimed(*exec, 2);
  EXPECT_EQ(Script(), (Lines{"records exec 6-6", "end"}));
}

TEST_F(SelectTest, OvertakenSkipsToTheNewestIfItAskedForThat) {
  auto exec = AddLive("exec");
  Open({.selections = {ByName("exec")}, .overflow_policy = OverflowPolicy::kSkipToNewest});
  Script();
  AppendTimed(*exec, 3);
  EXPECT_EQ(Script(), Lines{"records exec 1-3"});
  AppendTimed(*exec, 1000, 500);
  const uint64_t oldest = exec->log().extent().oldest_sequence;
  const std::vector<Seen> gone = Decode(NextBatch().batch);
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].stage, LossStage::kLogEviction);
  EXPECT_EQ(gone[0].first, 4u);
  EXPECT_EQ(gone[0].count, oldest - 4);
  const std::vector<Seen> skipped = Decode(NextBatch().batch);
  ASSERT_EQ(skipped.size(), 1u);
  EXPECT_EQ(skipped[0].stage, LossStage::kSubscriberPolicy);
  EXPECT_EQ(skipped[0].first, oldest);
  EXPECT_EQ(skipped[0].count, 1003 - oldest + 1);
  EXPECT_EQ(Script(), Lines{});
  AppendTimed(*exec, 2);
  EXPECT_EQ(Script(), Lines{"records exec 1004-1005"});
}

TEST_F(SelectTest, SkippingGoesOnThroughLaterEpochs) {
  auto exec = AddLive("exec");
  Open({.selections = {ByName("exec")}, .overflow_policy = OverflowPolicy::kSkipToNewest});
  Script();
  AppendTimed(*exec, 200, 500);
  exec->log().StartEpoch(7, kSchema, 1);
  AppendTimed(*exec, 5);
  const uint64_t kept = 200 - exec->log().Seek(StartOldest{})->cursor.sequence;
  EXPECT_EQ(Script(),
            (Lines{"lost exec " + std::to_string(200 - kept), "lost exec " + std::to_string(kept),
                   "update exec live epoch 7", "lost exec 5"}));
  AppendTimed(*exec, 1);
  EXPECT_EQ(Script(), Lines{"records exec 6-6"});
}

TEST_F(SelectTest, NotOvertakenSkipsNothing) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 5);
  Open({.selections = {ByName("exec")}, .overflow_policy = OverflowPolicy::kSkipToNewest});
  EXPECT_EQ(Script(), (Lines{kLive, "records exec 1-5", "history exec 5"}));
}

TEST_F(SelectTest, WindowAndSelectionGoTogether) {
  auto exec = AddLive("exec");
  Open({.selections = {ByName("exec")}, .sample_every = 2, .window_bytes = 200});
  Script();
  AppendTimed(*exec, 20, 60);
  std::vector<uint64_t> numbers;
  for (BatchOut out = NextBatch(); !out.batch.empty(); out = NextBatch()) {
    EXPECT_LE(subscription_->unacknowledged_bytes(), 200u);
    for (const uint64_t n : RecordNumbers(Decode(out.batch))) numbers.push_back(n);
    ASSERT_TRUE(subscription_->Acknowledge("exec", {kEpoch, out.batch.last_sequence}).ok());
  }
  EXPECT_EQ(numbers, (std::vector<uint64_t>{2, 4, 6, 8, 10, 12, 14, 16, 18, 20}));
  EXPECT_EQ(subscription_->unacknowledged_bytes(), 0u);
}

TEST_F(SelectTest, TimesBeforeTheBootAndBeyondAllCounting) {
  auto exec = AddLive("exec");
  AppendTimed(*exec, 2);
  Selection early = Since("exec", 0);
  early.since_utc_ns = std::numeric_limits<int64_t>::min();
  Open(Options(early));
  EXPECT_EQ(Script(), (Lines{kLive, "records exec 1-2", "history exec 2"}));
  Selection late = Since("exec", 0);
  late.since_utc_ns = std::numeric_limits<int64_t>::max();
  Open(Options(late));
  EXPECT_EQ(Script(), (Lines{kLive, "history exec 2"}));
}

}  // namespace
}  // namespace kchan::hub
