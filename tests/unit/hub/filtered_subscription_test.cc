// SPDX-License-Identifier: Apache-2.0
// What a subscription with a filter gives: which records, and the sums.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "tests/unit/hub/filter_testing.h"
#include "tests/unit/hub/subscription_testing.h"

namespace kchan::hub {
namespace {

using testing::ByGlob;
using testing::ByName;
using testing::Decode;
using testing::MakeField;
using testing::RecordNumbers;
using testing::Seen;

class FilteredSubscriptionTest : public testing::SubscriptionTest {
 protected:
  // Records of one u32, `value`.
  static std::shared_ptr<const Schema> NumberSchema(const std::string& field = "value") {
    return std::make_shared<const Schema>(testing::MakeSchema(
        {{1, "fact", "", Direction::kToUser, 4, {MakeField(field, FieldKind::kU32, 0, 4)}}}));
  }

  static void AppendValue(Channel& channel, uint32_t value, size_t payload_bytes = 4) {
    std::string payload(payload_bytes, 'x');
    for (size_t i = 0; i < 4; ++i) payload[i] = static_cast<char>(value >> (8 * i));
    channel.log().Append({.boottime_ns = 1, .cpu = value % 2, .type = 1},
                         std::as_bytes(std::span(payload)));
  }

  void OpenFiltered(const std::string& filter, const Selection& selection,
                    size_t max_batch_bytes = 256 << 10, uint64_t window_bytes = 0) {
    SubscriptionOptions options{.selections = {selection}, .filter = filter};
    options.max_batch_bytes = max_batch_bytes;
    options.window_bytes = window_bytes;
    Open(std::move(options));
  }

  // All that comes until there is nothing; the sums over all batches.
  struct Sums {
    std::vector<uint64_t> records;
    uint64_t lost = 0;
    uint64_t filtered = 0;
    uint64_t covered = 0;
    size_t batches = 0;
    size_t history_ends = 0;
  };
  Sums ReadAll() {
    Sums sums;
    for (;;) {
      SubscriptionOutput output = Next();
      if (std::holds_alternative<NothingOut>(output)) return sums;
      if (std::holds_alternative<HistoryEndOut>(output)) ++sums.history_ends;
      const auto* out = std::get_if<BatchOut>(&output);
      if (out == nullptr) continue;
      const LogBatch& batch = out->batch;
      const std::vector<Seen> seen = Decode(batch);  // checks the batch's own sum
      for (uint64_t number : RecordNumbers(seen)) sums.records.push_back(number);
      sums.lost += testing::LostNumbers(seen);
      sums.filtered += batch.filtered;
      sums.covered +=
          batch.first_sequence == 0 ? 0 : batch.last_sequence - batch.first_sequence + 1;
      ++sums.batches;
    }
  }

  // Another subscription with that filter, from the oldest record to the end.
  void ReadBeside(const std::string& filter) {
    testing::CountingWaiter waiter;
    auto other =
        Subscription::Open(hub_, {.selections = {ByName("tick")}, .filter = filter}, &waiter);
    ASSERT_TRUE(other.ok());
    for (;;) {
      auto output = (*other)->Next();
      ASSERT_TRUE(output.ok());
      if (const auto* out = std::get_if<BatchOut>(&*output)) Decode(out->batch);
      if (std::holds_alternative<NothingOut>(*output)) return;
    }
  }

  const std::shared_ptr<const Schema> schema_ = NumberSchema();
};

TEST_F(FilteredSubscriptionTest, GivesWhatMatchesAndCountsTheRest) {
  auto channel = AddLive("tick", schema_);
  for (uint32_t i = 1; i <= 10; ++i) AppendValue(*channel, i);
  channel->log().Publish();
  OpenFiltered("value > 3 AND value <= 6", ByName("tick"));
  const Sums sums = ReadAll();
  EXPECT_EQ(sums.records, (std::vector<uint64_t>{4, 5, 6}));
  EXPECT_EQ(sums.filtered, 7u);
  EXPECT_EQ(sums.covered, 10u);
  EXPECT_EQ(sums.batches, 1u);
}

TEST_F(FilteredSubscriptionTest, LossesPassInTheirPlace) {
  auto channel = AddLive("tick", schema_);
  AppendValue(*channel, 1);
  channel->log().AppendLoss({.count = 5, .stage = LossStage::kKernelRing});
  AppendValue(*channel, 2);
  channel->log().AppendLoss({.count = 2, .stage = LossStage::kSource});
  channel->log().Publish();
  OpenFiltered("value = 2", ByName("tick"));
  const Sums sums = ReadAll();
  EXPECT_EQ(sums.records, (std::vector<uint64_t>{7}));
  EXPECT_EQ(sums.lost, 7u);
  EXPECT_EQ(sums.filtered, 1u);
  EXPECT_EQ(sums.covered, 9u);
}

TEST_F(FilteredSubscriptionTest, EvictionIsALossAndNotFiltered) {
  auto channel = AddLive("tick", schema_);
  OpenFiltered("value = 0", ByName("tick"));
  for (uint32_t i = 1; i <= 5000; ++i) AppendValue(*channel, i, 64);
  channel->log().Publish();
  Sums sums = ReadAll();
  ASSERT_TRUE(subscription_->TellWithheld() || sums.covered == 5000);
  const Sums rest = ReadAll();
  EXPECT_GT(sums.lost, 0u);
  EXPECT_EQ(sums.covered + rest.covered, 5000u);
  EXPECT_EQ(sums.filtered + rest.filtered + sums.lost + rest.lost, 5000u);
}

TEST_F(FilteredSubscriptionTest, WithheldNumbersAloneMakeNoBatchUntilTheyAreAskedFor) {
  auto channel = AddLive("tick", schema_);
  OpenFiltered("value = 7", ByName("tick", StartNow{}));
  ReadAll();
  for (int round = 0; round < 100; ++round) {
    AppendValue(*channel, 1);
    channel->log().Publish();
    EXPECT_EQ(ReadAll().batches, 0u);
  }
  EXPECT_EQ(subscription_->cursors().at(0).cursor.sequence, 0u);  // not told of yet
  EXPECT_TRUE(subscription_->TellWithheld());
  const Sums sums = ReadAll();
  EXPECT_EQ(sums.batches, 1u);
  EXPECT_EQ(sums.filtered, 100u);
  EXPECT_EQ(subscription_->cursors().at(0).cursor.sequence, 100u);
  EXPECT_FALSE(subscription_->TellWithheld());
}

TEST_F(FilteredSubscriptionTest, WithheldNumbersComeWithTheNextMatch) {
  auto channel = AddLive("tick", schema_);
  OpenFiltered("value = 7", ByName("tick", StartNow{}));
  ReadAll();
  AppendValue(*channel, 1);
  channel->log().Publish();
  EXPECT_EQ(ReadAll().batches, 0u);
  AppendValue(*channel, 7);
  channel->log().Publish();
  const BatchOut out = NextBatch();
  EXPECT_EQ(out.batch.first_sequence, 1u);
  EXPECT_EQ(out.batch.last_sequence, 2u);
  EXPECT_EQ(out.batch.filtered, 1u);
}

TEST_F(FilteredSubscriptionTest, HistoryThatMatchesNothingEndsWithItsNumbers) {
  auto channel = AddLive("tick", schema_);
  for (uint32_t i = 1; i <= 10; ++i) AppendValue(*channel, 1);
  channel->log().Publish();
  OpenFiltered("value = 7", ByName("tick"));
  const Sums sums = ReadAll();
  EXPECT_EQ(sums.history_ends, 1u);
  EXPECT_EQ(sums.filtered, 10u);
  EXPECT_EQ(sums.batches, 1u);
}

TEST_F(FilteredSubscriptionTest, NotifiesWhenSomethingIsPublishedBehindWhatItHasLookedAt) {
  auto channel = AddLive("tick", schema_);
  OpenFiltered("value = 7", ByName("tick", StartNow{}));
  ReadAll();
  AppendValue(*channel, 1);
  channel->log().Publish();
  ReadAll();
  const int before = waiter_.count;
  AppendValue(*channel, 7);
  channel->log().Publish();
  EXPECT_EQ(waiter_.count, before + 1);
  EXPECT_EQ(ReadAll().records.size(), 1u);
}

TEST_F(FilteredSubscriptionTest, NewSchemaIsCompiledAgain) {
  auto channel = AddLive("tick", schema_);
  AppendValue(*channel, 7);
  AppendValue(*channel, 8);
  const auto other = NumberSchema("other");
  channel->SetSchema(other);
  channel->log().StartEpoch(kEpoch + 1, other->id, 1);
  AppendValue(*channel, 7);
  AppendValue(*channel, 9);
  channel->log().Publish();
  OpenFiltered("value = 7 OR other = 9", ByName("tick"));
  const Sums sums = ReadAll();
  EXPECT_EQ(sums.records, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(sums.filtered, 2u);
}

TEST_F(FilteredSubscriptionTest, WithheldNumbersOfAnEpochAreToldBeforeTheNextBegins) {
  auto channel = AddLive("tick", schema_);
  OpenFiltered("value = 7", ByName("tick", StartNow{}));
  ReadAll();
  AppendValue(*channel, 1);
  channel->log().Publish();
  EXPECT_EQ(ReadAll().batches, 0u);
  channel->log().StartEpoch(kEpoch + 1, schema_->id, 1);
  AppendValue(*channel, 7);
  channel->log().Publish();
  const BatchOut first = NextBatch();
  EXPECT_EQ(first.batch.epoch, kEpoch);
  EXPECT_EQ(first.batch.filtered, 1u);
  const BatchOut second = NextBatch();
  EXPECT_EQ(second.batch.epoch, kEpoch + 1);
  EXPECT_EQ(second.batch.filtered, 0u);
}

TEST_F(FilteredSubscriptionTest, RemovedChannelTellsOfWithheldNumbersFirst) {
  auto channel = AddLive("tick", schema_);
  OpenFiltered("value = 7", ByGlob("t*", StartNow{}));
  ReadAll();
  AppendValue(*channel, 1);
  channel->log().Publish();
  EXPECT_EQ(ReadAll().batches, 0u);
  hub_.Remove("tick");
  EXPECT_EQ(ReadAll().filtered, 1u);
}

TEST_F(FilteredSubscriptionTest, BatchesKeepToTheirBoundAndAWindowIsFreedByAcknowledgements) {
  auto channel = AddLive("tick", schema_);
  for (uint32_t i = 1; i <= 600; ++i) AppendValue(*channel, i % 3);
  channel->log().Publish();
  OpenFiltered("value = 1", ByName("tick"), 4 << 10, 4 << 10);
  uint64_t records = 0;
  for (;;) {
    const BatchOut out = NextBatch();
    if (!out.channel) break;
    EXPECT_LE(out.batch.body_bytes, 4u << 10);
    records += RecordNumbers(Decode(out.batch)).size();
    ASSERT_TRUE(
        subscription_->Acknowledge("tick", {out.batch.epoch, out.batch.last_sequence}).ok());
    EXPECT_EQ(subscription_->unacknowledged_bytes(), 0u);
  }
  EXPECT_EQ(records, 200u);
}

TEST_F(FilteredSubscriptionTest, RecordLongerThanABatchIsGivenWhole) {
  auto channel = AddLive("tick", schema_);
  AppendValue(*channel, 1, 6000);
  AppendValue(*channel, 7, 6000);
  AppendValue(*channel, 7, 6000);
  channel->log().Publish();
  OpenFiltered("value = 7", ByName("tick"), 4 << 10);
  EXPECT_EQ(ReadAll().records, (std::vector<uint64_t>{2, 3}));
}

TEST_F(FilteredSubscriptionTest, LooksAtABoundedStretchAtATime) {
  Hub hub({}, [](std::string_view) { return LogLimits{.max_bytes = 8 << 20}; });
  auto channel = hub.Upsert(testing::Description("tick"));
  channel->SetSchema(schema_);
  channel->log().StartEpoch(kEpoch, schema_->id, 1);
  for (uint32_t i = 0; i < 80'000; ++i) AppendValue(*channel, 1, 64);
  channel->log().Publish();
  auto subscription =
      *Subscription::Open(hub, {.selections = {ByName("tick")}, .filter = "value = 7"}, &waiter_);
  size_t turns = 0;
  uint64_t filtered = 0;
  for (;;) {
    auto output = subscription->Next();
    ASSERT_TRUE(output.ok());
    if (std::holds_alternative<MoreOut>(*output)) ++turns;
    if (const auto* out = std::get_if<BatchOut>(&*output)) filtered += out->batch.filtered;
    if (std::holds_alternative<NothingOut>(*output)) break;
  }
  EXPECT_GE(turns, 5u);
  EXPECT_EQ(filtered, 80'000u);
}

TEST_F(FilteredSubscriptionTest, SameTextIsTheSameFilterAndItsMatchesAreFreedWithTheSegments) {
  {
    auto channel = AddLive("tick", schema_);
    for (uint32_t i = 0; i < 500; ++i) AppendValue(*channel, i % 2);
    channel->log().Publish();
    OpenFiltered("value = 1", ByName("tick"));
    ReadAll();
    const uint64_t once = hub_.memory().match_bytes;
    EXPECT_GT(once, 0u);
    ReadBeside("value = 1");
    EXPECT_EQ(hub_.memory().match_bytes, once);
    ReadBeside("value = 0");
    EXPECT_GT(hub_.memory().match_bytes, once);
    subscription_.reset();
    hub_.Remove("tick");
  }
  EXPECT_EQ(hub_.memory().match_bytes, 0u);
}

// A new filter often has the address of the one before.
TEST_F(FilteredSubscriptionTest, FilterThatIsGoneLeavesNothingToItsSuccessor) {
  auto channel = AddLive("tick", schema_);
  for (uint32_t i = 0; i < 100; ++i) AppendValue(*channel, i % 10);
  channel->log().Publish();
  for (uint32_t value = 0; value < 10; ++value) {
    subscription_.reset();
    OpenFiltered("value = " + std::to_string(value), ByName("tick"));
    const Sums sums = ReadAll();
    ASSERT_EQ(sums.records.size(), 10u) << value;
    EXPECT_EQ(sums.records[0], value + 1);
  }
}

TEST_F(FilteredSubscriptionTest, FieldThatNoChannelHasIsRefusedWithItsColumn) {
  AddLive("tick", schema_);
  AddLive("tock", NumberSchema("other"));
  const auto refusal = [&](const std::string& filter, const std::string& glob) {
    return std::string(TryOpen({.selections = {ByGlob(glob)}, .filter = filter}).message());
  };
  EXPECT_EQ(refusal("value = 1", "*"), "");
  EXPECT_EQ(refusal("value = 1 OR other = 1", "*"), "");
  EXPECT_EQ(refusal("value = 1 vaule = 2", "*"),
            "filter: column 11: no selected channel has a field `vaule`; there are: value "
            "other");
  EXPECT_EQ(refusal("other = 1", "tick"),
            "filter: column 1: no selected channel has a field `other`; there are: value");
  EXPECT_EQ(refusal("value = bash", "*"), "filter: column 9: `value` takes a number, not bash");
  EXPECT_EQ(refusal("record.size = 1", "*"),
            "filter: column 1: no selected channel has a field `record.size`; every record "
            "has record.sequence, record.cpu, record.type and record.boottime_ns");
  EXPECT_EQ(refusal("value =", "*"),
            "filter: column 8: expected a value behind `=`, found the end");
  // A channel whose schema is not known yet may have it; so may one to come.
  Add("later");
  EXPECT_EQ(refusal("vaule = 2", "*"), "");
  EXPECT_EQ(refusal("vaule = 2", "none*"), "");
  EXPECT_EQ(refusal(" ", "*"), "");
}

// Random logs, filters and readers, against one that looks at every record.
class FilterPropertyTest : public FilteredSubscriptionTest,
                           public ::testing::WithParamInterface<uint32_t> {};

TEST_P(FilterPropertyTest, SlicesAreWhatLookingAtEachRecordGives) {
  std::mt19937 random(GetParam());
  const auto below = [&](uint32_t bound) { return static_cast<uint32_t>(random() % bound); };
  const std::vector<std::string> filters = {"value = 1",
                                            "value < 5",
                                            "value != 3",
                                            "NOT (value > 2 value < 6)",
                                            "record.cpu = 1",
                                            "value:*",
                                            "value > 100",
                                            "record.sequence > 700",
                                            "value = 1 OR value = 8 -record.cpu = 0"};
  auto channel = AddLive("tick", schema_);
  const std::string filter = filters[GetParam() % filters.size()];
  const FilterSyntax syntax = *ParseFilter(filter);
  const size_t max_batch = 256u << below(9);

  std::vector<uint64_t> expected;
  std::vector<uint64_t> got;
  uint64_t covered = 0;
  uint64_t filtered = 0;
  uint64_t lost = 0;
  OpenFiltered(filter, ByName("tick"), max_batch);
  const auto read_some = [&](uint32_t most) {
    for (uint32_t i = 0; i < most; ++i) {
      SubscriptionOutput output = Next();
      if (std::holds_alternative<NothingOut>(output)) return;
      const auto* out = std::get_if<BatchOut>(&output);
      if (out == nullptr) continue;
      const std::vector<Seen> seen = Decode(out->batch);
      for (uint64_t number : RecordNumbers(seen)) got.push_back(number);
      lost += testing::LostNumbers(seen);
      for (const Seen& each : seen) {
        if (each.stage != LossStage::kLogEviction) continue;
        std::erase_if(expected, [&](uint64_t number) {
          return each.first <= number && number < each.first + each.count;
        });
      }
      filtered += out->batch.filtered;
      if (out->batch.first_sequence != 0) {
        EXPECT_EQ(out->batch.first_sequence, covered + 1);
        covered = out->batch.last_sequence;
      }
    }
  };
  for (int step = 0; step < 400; ++step) {
    const uint32_t burst = 1 + below(20);
    for (uint32_t i = 0; i < burst; ++i) {
      if (below(20) == 0) {
        channel->log().AppendLoss({.count = 1 + below(9), .stage = LossStage::kKernelRing});
        continue;
      }
      const uint32_t value = below(10);
      const size_t bytes = below(8) == 0 ? 2000 : 4 + below(60);
      const std::string payload{static_cast<char>(value), 0, 0, 0};
      if (testing::NaivelyMatches(syntax, schema_.get(),
                                  {.sequence = channel->log().next_sequence(),
                                   .cpu = value % 2,
                                   .type = 1,
                                   .payload = payload})) {
        expected.push_back(channel->log().next_sequence());
      }
      AppendValue(*channel, value, bytes);
    }
    channel->log().Publish();
    if (below(3) == 0) ReadBeside(filter);
    if (below(4) == 0) subscription_->TellWithheld();
    if (below(3) != 0) read_some(1 + below(40));
  }
  read_some(UINT32_MAX);
  subscription_->TellWithheld();
  read_some(UINT32_MAX);
  EXPECT_EQ(covered, channel->log().next_sequence() - 1);
  EXPECT_EQ(got.size() + lost + filtered, covered);
  EXPECT_EQ(got, expected);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FilterPropertyTest, ::testing::Range(1u, 28u));

}  // namespace
}  // namespace kchan::hub
