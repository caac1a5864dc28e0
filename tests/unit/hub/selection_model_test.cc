// SPDX-License-Identifier: Apache-2.0
// A log and subscriptions that do whatever chance decides, beside a model that
// forgets nothing: every number is accounted for, as what it is.
#include <map>
#include <random>
#include <string>

#include "tests/unit/hub/subscription_testing.h"

namespace kchan::hub {
namespace {

using testing::Decode;
using testing::Seen;
using testing::SubscriptionTest;

constexpr uint64_t kSecondNs = 1'000'000'000;

class SelectionModelTest : public SubscriptionTest {
 protected:
  struct ModelRecord {
    uint64_t boottime_ns = 0;
    uint32_t cpu = 0;
  };
  // What became of each number of an epoch.
  struct ModelEpoch {
    std::map<uint64_t, ModelRecord> records;
    std::map<uint64_t, LossStage> lost;
  };

  uint64_t Pick(uint64_t below) { return random_() % below; }
  bool OneIn(uint64_t n) { return Pick(n) == 0; }

  void RunSchedule(uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_.seed(seed);
    channel_ = Add("exec");
    StartEpoch();
    for (int i = 0; i < 30; ++i) WriteSomething();
    Subscribe();
    for (int step = 0; step < 300 && !has_ended_; ++step) {
      Step();
      if (::testing::Test::HasFatalFailure()) return;
    }
    Finish();
    subscription_.reset();
    hub_.Remove("exec");
    model_.clear();
  }

  void Step() {
    const uint64_t what = Pick(100);
    if (what < 40) return WriteSomething();
    if (what < 85) return ReadOne();
    if (what < 88) return SetPaused(!is_paused_);
    if (what < 91) return TellWithheld();
    if (what < 94) return Resume();
    now_ns_ += Pick(kSecondNs);
  }

  void WriteSomething() {
    if (OneIn(60)) return StartEpoch();
    if (OneIn(6)) return AppendLoss();
    // Now and then more than the log holds.
    AppendRecords(OneIn(15) ? 700 : Pick(40));
  }

  void AppendRecords(uint64_t count) {
    for (; count > 0; --count) {
      // About in order of time, as several CPUs make them.
      const uint64_t time = now_ns_ - std::min(now_ns_, Pick(2'000'000));
      const std::string payload(Pick(40) == 0 ? Pick(9000) : Pick(300), 'x');
      const auto cpu = static_cast<uint32_t>(Pick(4));
      const uint64_t number = channel_->log().Append({.boottime_ns = time, .cpu = cpu, .type = 1},
                                                     std::as_bytes(std::span(payload)));
      model_[epoch_].records[number] = {.boottime_ns = time, .cpu = cpu};
      now_ns_ += Pick(1'000'000);
    }
    channel_->log().Publish();
  }

  void AppendLoss() {
    const Loss loss{.count = 1 + Pick(20), .stage = static_cast<LossStage>(1 + Pick(3))};
    const uint64_t first = channel_->log().next_sequence();
    for (uint64_t n = first; n < first + loss.count; ++n) model_[epoch_].lost[n] = loss.stage;
    channel_->log().AppendLoss(loss);
    channel_->log().Publish();
  }

  void StartEpoch() {
    epoch_ = ++epochs_;
    const uint64_t first = OneIn(2) ? 1 : 1 + Pick(50);
    for (uint64_t n = 1; n < first; ++n) model_[epoch_].lost[n] = LossStage::kDaemonRestart;
    channel_->log().StartEpoch(epoch_, kSchema + Pick(2), first);
  }

  void Subscribe() {
    options_ = {
        .selections = {{.pattern = "exec", .start = StartOldest{}}},
        .window_bytes = OneIn(3) ? 1 + Pick(20'000) : 0,
        .max_batch_bytes = 100 + Pick(20'000),
        .overflow_policy = OneIn(2) ? OverflowPolicy::kSkipToOldest : OverflowPolicy::kSkipToNewest,
        .boottime_ns = [this] { return now_ns_; }};
    Selection& selection = options_.selections[0];
    if (OneIn(2)) {
      selection.since_utc_ns = static_cast<int64_t>(now_ns_ + Pick(40'000'000)) - 20'000'000;
      if (OneIn(2)) selection.start = StartSince{};
    }
    if (OneIn(3)) options_.stop.until_utc_ns = static_cast<int64_t>(now_ns_ + Pick(kSecondNs));
    if (OneIn(3)) options_.stop.records = 1 + Pick(500);
    if (OneIn(4)) options_.stop.end_of_history = true;
    matches_up_to_cpu_ = OneIn(2) ? static_cast<uint32_t>(Pick(4)) : UINT32_MAX;
    if (matches_up_to_cpu_ != UINT32_MAX) {
      options_.filter = "record.cpu <= " + std::to_string(matches_up_to_cpu_);
    }
    if (OneIn(2)) options_.sample_every = static_cast<uint32_t>(1 + Pick(20));
    if (OneIn(3)) options_.max_records_per_second = static_cast<uint32_t>(1 + Pick(300));
    since_ns_ = static_cast<uint64_t>(std::max<int64_t>(selection.since_utc_ns.value_or(0), 0));
    until_ns_ = static_cast<uint64_t>(options_.stop.until_utc_ns.value_or(INT64_MAX));
    given_ = 0;
    totals_ = {};
    cursor_ = {};
    has_ended_ = is_paused_ = false;
    Reopen();
  }

  void Reopen() {
    Open(options_);
    opened_ns_ = now_ns_;
    given_at_open_ = given_;
    is_paused_ = false;
  }

  // As a client that reconnects does: behind what it got, with what is left.
  void Resume() {
    if (cursor_.epoch == 0) return;
    options_.selections[0].start = StartAt{cursor_};
    if (options_.stop.records != 0) options_.stop.records -= given_ - given_at_open_;
    Reopen();
    // What the one before had not told is looked at again.
    resumed_ = true;
  }

  void SetPaused(bool paused) {
    is_paused_ = paused;
    subscription_->SetPaused(paused);
  }
  void TellWithheld() { subscription_->TellWithheld(); }

  void ReadOne() {
    const SubscriptionOutput output = Next();
    if (const auto* batch = std::get_if<BatchOut>(&output)) return Check(batch->batch);
    if (std::holds_alternative<EndOut>(output)) return CheckEnd();
    if (!std::holds_alternative<NothingOut>(output)) return;
    if (options_.window_bytes != 0 && cursor_.epoch != 0 && !resumed_) {
      ASSERT_TRUE(subscription_->Acknowledge("exec", cursor_).ok());
    }
  }

  // What became of all numbers that were covered; a cursor that goes on leaves
  // none out and counts none twice.
  struct Totals {
    uint64_t covered = 0;
    uint64_t given = 0;
    uint64_t filtered = 0;  // by the time or the filter
    uint64_t sampled = 0;
    uint64_t limited = 0;
    uint64_t lost = 0;     // for any other reason
    uint64_t evicted = 0;  // of `lost`

    uint64_t sum() const { return given + filtered + sampled + limited + lost; }
  };

  void Count(const LogBatch& batch) {
    if (!batch.first_sequence != 0) return;
    totals_.covered += batch.last_sequence - batch.first_sequence + 1;
    totals_.filtered += batch.filtered - batch.sampled;
    totals_.sampled += batch.sampled;
    for (const Seen& seen : Decode(batch)) {
      if (seen.is_record) {
        ++totals_.given;
      } else if (seen.stage == LossStage::kRateLimit) {
        totals_.limited += seen.count;
      } else {
        totals_.lost += seen.count;
        if (seen.stage == LossStage::kLogEviction) totals_.evicted += seen.count;
      }
    }
    ASSERT_EQ(totals_.covered, totals_.sum());
  }

  void Check(const LogBatch& batch) {
    ASSERT_FALSE(is_paused_);
    const ModelEpoch& model = model_.at(batch.epoch);
    if (batch.first_sequence != 0 && cursor_.epoch == batch.epoch) {
      ASSERT_EQ(batch.first_sequence, cursor_.sequence + 1);
    }
    uint64_t next = batch.first_sequence;
    uint64_t sampled = 0;
    for (const Seen& seen : Decode(batch)) {  // which checks the arithmetic
      if (seen.count == 0) continue;
      for (; next < seen.first; ++next) sampled += CheckWithheld(model, next);
      for (; next < seen.first + seen.count; ++next) CheckSeen(batch, model, seen, next);
    }
    for (; batch.first_sequence != 0 && next <= batch.last_sequence; ++next) {
      sampled += CheckWithheld(model, next);
    }
    ASSERT_EQ(batch.sampled, sampled);
    Count(batch);
    cursor_ = {batch.epoch, batch.last_sequence};
    resumed_ = false;
    ASSERT_EQ(subscription_->cursors().at(0).cursor, cursor_);
    CheckQuotas();
  }

  bool Matches(const ModelRecord& record) const {
    return record.boottime_ns >= since_ns_ && record.cpu <= matches_up_to_cpu_;
  }
  bool Passes(uint64_t number, const ModelRecord& record) const {
    return Matches(record) && number % options_.sample_every == 0;
  }

  // Returns whether it was the sampling that withheld it.
  bool CheckWithheld(const ModelEpoch& model, uint64_t number) {
    const auto record = model.records.find(number);
    EXPECT_NE(record, model.records.end()) << number << " was withheld but is no record";
    if (record == model.records.end()) return false;
    EXPECT_FALSE(Passes(number, record->second)) << number << " was withheld";
    return Matches(record->second);
  }

  void CheckSeen(const LogBatch& batch, const ModelEpoch& model, const Seen& seen,
                 uint64_t number) {
    const auto record = model.records.find(number);
    if (seen.is_record) {
      ++given_;
      ASSERT_NE(record, model.records.end()) << number;
      ASSERT_EQ(seen.boottime_ns, record->second.boottime_ns);
      ASSERT_EQ(seen.cpu, record->second.cpu);
      ASSERT_TRUE(Passes(number, record->second)) << number;
      ASSERT_LE(record->second.boottime_ns, until_ns_);
    } else if (seen.stage == LossStage::kRateLimit) {
      ASSERT_NE(options_.max_records_per_second, 0u);
      ASSERT_NE(record, model.records.end());
      ASSERT_TRUE(Passes(number, record->second)) << number;
    } else if (seen.stage == LossStage::kLogEviction) {
      const LogExtent extent = channel_->log().extent();
      if (extent.epoch == batch.epoch && extent.oldest_sequence != 0) {
        ASSERT_LT(number, extent.oldest_sequence);
      }
    } else if (seen.stage == LossStage::kSubscriberPolicy) {
      ASSERT_EQ(options_.overflow_policy, OverflowPolicy::kSkipToNewest);
    } else {
      ASSERT_EQ(model.lost.at(number), seen.stage) << number;
    }
  }

  void CheckQuotas() const {
    const uint64_t given = given_ - given_at_open_;
    if (options_.stop.records != 0) {
      ASSERT_LE(given, options_.stop.records);
    }
    if (const uint64_t rate = options_.max_records_per_second; rate != 0) {
      const uint64_t elapsed_ns = now_ns_ - opened_ns_;
      ASSERT_LE(given, rate + rate * (elapsed_ns / kSecondNs + 1));
    }
  }

  // It ends only if it was asked to, and then with everything.
  void CheckEnd() {
    has_ended_ = true;
    const StopCondition& stop = options_.stop;
    if (stop.records != 0 && given_ - given_at_open_ == stop.records) return;
    if (stop.end_of_history) return;
    ASSERT_TRUE(stop.until_utc_ns.has_value());
    const uint64_t grace_ns = until_ns_ + kUntilGraceNs;
    if (now_ns_ >= grace_ns) return;
    // Then it was a record that is younger, right behind the cursor.
    const auto& records = model_.at(cursor_.epoch == 0 ? 1 : cursor_.epoch).records;
    if (cursor_.epoch == 0) return;
    auto next = records.upper_bound(cursor_.sequence);
    if (next != records.end()) {
      ASSERT_GT(next->second.boottime_ns, until_ns_);
    }
  }

  // Reads all that is left; then nothing is withheld that was not told.
  void Finish() {
    if (has_ended_) return;
    SetPaused(false);
    for (int quiet = 0; quiet < 3 && !has_ended_; ++quiet) {
      TellWithheld();
      for (int i = 0; i < 2000 && !has_ended_; ++i) {
        const Cursor before = cursor_;
        ReadOne();
        if (cursor_ != before) quiet = 0;
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
    if (has_ended_) return;
    // An epoch may be without numbers yet.
    EXPECT_EQ(subscription_->cursors().at(0).cursor,
              (Cursor{epoch_, channel_->log().next_sequence() - 1}));
  }

  std::mt19937_64 random_;
  std::shared_ptr<Channel> channel_;
  std::map<uint64_t, ModelEpoch> model_;
  uint64_t epoch_ = 0;
  uint64_t epochs_ = 0;
  uint64_t now_ns_ = 100 * kSecondNs;
  SubscriptionOptions options_;
  uint64_t since_ns_ = 0;
  uint64_t until_ns_ = 0;
  uint32_t matches_up_to_cpu_ = UINT32_MAX;
  Totals totals_;
  Cursor cursor_;
  uint64_t given_ = 0;
  uint64_t given_at_open_ = 0;
  uint64_t opened_ns_ = 0;
  bool is_paused_ = false;
  bool resumed_ = false;
  bool has_ended_ = false;
};

TEST_F(SelectionModelTest, EveryNumberIsAccountedForAsWhatItIs) {
  uint64_t with_all = 0;
  for (uint64_t seed = 1; seed <= 600; ++seed) {
    RunSchedule(seed);
    if (HasFailure()) return;
    const Totals& totals = totals_;
    if (totals.given && totals.filtered && totals.sampled && totals.limited && totals.evicted) {
      ++with_all;
    }
  }
  EXPECT_GE(with_all, 5u) << "else the schedules do not try all stages at once";
}

// Filter, sampling, rate limit and a log that overflows at once: what each stage
// took, and what none did, against counts of the model's own.
TEST_F(SelectionModelTest, EachStageTakesOfWhatTheOnesBeforeItLeft) {
  channel_ = Add("exec");
  epoch_ = 1;
  channel_->log().StartEpoch(epoch_, kSchema, 1);
  matches_up_to_cpu_ = 1;
  until_ns_ = UINT64_MAX;
  options_ = {.selections = {{.pattern = "exec", .start = StartOldest{}}},
              .filter = "record.cpu <= 1",
              .sample_every = 3,
              .max_records_per_second = 10,
              .boottime_ns = [this] { return now_ns_; }};
  Reopen();
  const auto read_all = [this] {
    for (int i = 0; i < 1000; ++i) ReadOne();
  };
  AppendRecords(100);
  AppendLoss();
  read_all();
  const uint64_t kept_up = totals_.covered;
  EXPECT_EQ(totals_.evicted, 0u);
  AppendRecords(2000);  // far more than the log holds
  read_all();
  TellWithheld();
  read_all();

  const uint64_t oldest = channel_->log().extent().oldest_sequence;
  ASSERT_GT(oldest, kept_up + 1);
  Totals expected{.covered = channel_->log().next_sequence() - 1};
  expected.evicted = oldest - kept_up - 1;
  expected.lost = expected.evicted + model_[epoch_].lost.size();
  uint64_t passed = 0;
  for (const auto& [number, record] : model_[epoch_].records) {
    if (number > kept_up && number < oldest) continue;
    if (!Matches(record)) {
      ++expected.filtered;
    } else if (number % 3 != 0) {
      ++expected.sampled;
    } else {
      ++passed;
    }
  }
  EXPECT_EQ(totals_.covered, expected.covered);
  EXPECT_EQ(totals_.filtered, expected.filtered);
  EXPECT_EQ(totals_.sampled, expected.sampled);
  EXPECT_EQ(totals_.evicted, expected.evicted);
  EXPECT_EQ(totals_.lost, expected.lost);
  EXPECT_EQ(totals_.given + totals_.limited, passed);
  EXPECT_GE(totals_.given, 10u) << "the burst";
  EXPECT_GT(totals_.limited, 0u);
  EXPECT_EQ(totals_.sum(), totals_.covered);
}

}  // namespace
}  // namespace kchan::hub
