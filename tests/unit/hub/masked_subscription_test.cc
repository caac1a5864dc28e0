// SPDX-License-Identifier: Apache-2.0
// What a subscription with a field mask gives: payloads, schemas, and the sums.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bridge/hub/field_masks.h"
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

class MaskedSubscriptionTest : public testing::SubscriptionTest {
 protected:
  // Records of two u32: a number, and `other`, which is its negation.
  static std::shared_ptr<const Schema> NumberSchema(const std::string& other = "other") {
    return std::make_shared<const Schema>(testing::MakeSchema(
        {{1,
          "fact",
          "",
          Direction::kToUser,
          8,
          {MakeField("number", FieldKind::kU32, 0, 4), MakeField(other, FieldKind::kU32, 4, 4)}}}));
  }

  static std::string Bytes(uint32_t value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
  }

  // Each as long as `payload_bytes`.
  static void AppendNumbers(Channel& channel, uint32_t first, uint32_t last,
                            size_t payload_bytes = 8) {
    for (uint32_t number = first; number <= last; ++number) {
      std::string payload = Bytes(number) + Bytes(~number);
      payload.resize(payload_bytes, 'x');
      channel.log().Append({.boottime_ns = number, .cpu = 3, .type = 1},
                           std::as_bytes(std::span(payload)));
    }
    channel.log().Publish();
  }

  SubscriptionOptions Masked(const std::vector<std::string>& fields, const Selection& selection) {
    SubscriptionOptions options{.selections = {selection}};
    options.fields = fields;
    options.field_masks = &masks_;
    return options;
  }

  // All that comes until there is nothing.
  struct Given {
    std::vector<Seen> seen;
    std::vector<uint64_t> schemas;  // of batches, each once in a row
    std::vector<ChannelUpdateOut> updates;
    uint64_t filtered = 0;
    size_t longest = 0;  // of the batches
    size_t batches = 0;
  };
  Given ReadAll() {
    Given given;
    for (;;) {
      SubscriptionOutput output = Next();
      if (std::holds_alternative<NothingOut>(output)) return given;
      if (auto* update = std::get_if<ChannelUpdateOut>(&output)) {
        told_schemas_[update->channel] = update->schema_id;
        given.updates.push_back(std::move(*update));
      }
      const auto* out = std::get_if<BatchOut>(&output);
      if (out == nullptr) continue;
      for (Seen& each : Decode(out->batch)) given.seen.push_back(std::move(each));
      if (given.schemas.empty() || given.schemas.back() != out->batch.schema_id) {
        // Said before it came.
        EXPECT_EQ(told_schemas_[out->channel->name()], out->batch.schema_id);
        given.schemas.push_back(out->batch.schema_id);
      }
      given.filtered += out->batch.filtered;
      given.longest = std::max(given.longest, out->batch.body_bytes);
      ++given.batches;
    }
  }

  // Whether these are the numbers' records, in order, each with its negation alone.
  static void ExpectNegations(const std::vector<Seen>& seen, uint32_t first, uint32_t last) {
    uint32_t number = first;
    for (const Seen& each : seen) {
      if (!each.is_record) continue;
      ASSERT_EQ(each.payload, Bytes(~number)) << number;
      EXPECT_EQ(each.boottime_ns, number);
      EXPECT_EQ(each.cpu, 3u);
      EXPECT_EQ(each.type, 1u);
      ++number;
    }
    EXPECT_EQ(number, last + 1);
  }

  void TearDown() override { subscription_.reset(); }

  FieldMasks masks_;
  std::map<std::string, uint64_t> told_schemas_;  // by channel
  const std::shared_ptr<const Schema> schema_ = NumberSchema();
};

TEST_F(MaskedSubscriptionTest, PayloadIsOfTheFieldsAndTheSchemaSaysSo) {
  auto channel = AddLive("tick", schema_);
  AppendNumbers(*channel, 1, 100);
  Open(Masked({"other"}, ByName("tick")));
  const Given given = ReadAll();
  ExpectNegations(given.seen, 1, 100);
  ASSERT_EQ(given.schemas.size(), 1u);
  EXPECT_NE(given.schemas[0], schema_->id);
  const auto left = masks_.FindSchema("tick", given.schemas[0]);
  ASSERT_NE(left, nullptr);
  ASSERT_EQ(left->types.at(0).fields.size(), 1u);
  EXPECT_EQ(left->types[0].fields[0].name, "other");
  EXPECT_EQ(left->types[0].fields[0].offset, 0u);
  EXPECT_EQ(given.updates.back().missing_fields, std::vector<std::string>());
  EXPECT_EQ(masks_.FindSchema("tock", given.schemas[0]), nullptr);
}

TEST_F(MaskedSubscriptionTest, LossesAndFilteredNumbersStayWhereTheyWere) {
  auto channel = AddLive("tick", schema_);
  AppendNumbers(*channel, 1, 10);
  channel->log().AppendLoss({.count = 5, .stage = LossStage::kKernelRing, .cause = "ring full"});
  AppendNumbers(*channel, 11, 20);
  SubscriptionOptions options = Masked({"other"}, ByName("tick"));
  options.filter = "number >= 6 AND number < 14";  // a field that is not given
  Open(std::move(options));
  const Given given = ReadAll();
  ExpectNegations(given.seen, 6, 13);
  EXPECT_EQ(given.filtered, 12u);
  ASSERT_EQ(given.seen.size(), 9u);
  EXPECT_FALSE(given.seen[5].is_record);
  EXPECT_EQ(given.seen[5].first, 11u);
  EXPECT_EQ(given.seen[5].count, 5u);
  EXPECT_EQ(given.seen[5].cause, "ring full");
}

TEST_F(MaskedSubscriptionTest, LimitsAndSamplingGoByTheNumbers) {
  auto channel = AddLive("tick", schema_);
  AppendNumbers(*channel, 1, 100);
  SubscriptionOptions options = Masked({"other"}, ByName("tick"));
  options.sample_every = 10;
  options.max_records_per_second = 4;
  Open(std::move(options));
  const Given given = ReadAll();
  subscription_->TellWithheld();
  const Given rest = ReadAll();
  EXPECT_EQ(RecordNumbers(given.seen), (std::vector<uint64_t>{10, 20, 30, 40}));
  EXPECT_EQ(given.filtered + rest.filtered, 90u);
  EXPECT_EQ(testing::LostNumbers(given.seen, LossStage::kRateLimit) +
                testing::LostNumbers(rest.seen, LossStage::kRateLimit),
            6u);
}

TEST_F(MaskedSubscriptionTest, EvictionIsALossWithAMaskToo) {
  auto channel = AddLive("tick", schema_);
  Open(Masked({"other"}, ByName("tick", StartNow{})));
  ReadAll();
  AppendNumbers(*channel, 1, 5000);
  const Given given = ReadAll();
  const uint64_t lost = testing::LostNumbers(given.seen, LossStage::kLogEviction);
  EXPECT_GT(lost, 0u);
  ExpectNegations(given.seen, static_cast<uint32_t>(lost) + 1, 5000);
}

TEST_F(MaskedSubscriptionTest, CursorOfAMaskedBatchResumesBehindIt) {
  auto channel = AddLive("tick", schema_);
  AppendNumbers(*channel, 1, 50);
  SubscriptionOptions options = Masked({"other"}, ByName("tick"));
  options.max_batch_bytes = 600;
  Open(std::move(options));
  const BatchOut first = NextBatch();
  ASSERT_LT(first.batch.last_sequence, 50u);
  const Cursor cursor{first.batch.epoch, first.batch.last_sequence};
  Open(Masked({"other"}, ByName("tick", StartAt{cursor})));
  ExpectNegations(ReadAll().seen, static_cast<uint32_t>(cursor.sequence) + 1, 50);
}

TEST_F(MaskedSubscriptionTest, SubscribersWithAndWithoutAMaskKeepApart) {
  auto channel = AddLive("tick", schema_);
  AppendNumbers(*channel, 1, 10);
  Open(Masked({"other"}, ByName("tick")));
  const Given masked = ReadAll();
  Open(ByName("tick"));
  const Given whole = ReadAll();
  ExpectNegations(masked.seen, 1, 10);
  ASSERT_EQ(whole.seen.size(), 10u);
  EXPECT_EQ(whole.seen[0].payload, Bytes(1) + Bytes(~1u));
  EXPECT_EQ(whole.schemas, std::vector<uint64_t>{schema_->id});
}

TEST_F(MaskedSubscriptionTest, BatchesKeepToTheirBoundAndToThatOfCopies) {
  auto channel = AddLive("tick", schema_);
  AppendNumbers(*channel, 1, 1000);
  SubscriptionOptions options = Masked({"other"}, ByName("tick"));
  options.max_batch_bytes = 4 << 10;
  Open(std::move(options));
  const Given small = ReadAll();
  ExpectNegations(small.seen, 1, 1000);
  EXPECT_LE(small.longest, 4u << 10);
  Open(Masked({"other"}, ByName("tick")));
  const Given large = ReadAll();
  ExpectNegations(large.seen, 1, 1000);
  EXPECT_LE(large.longest, 32u << 10);
  EXPECT_LE(large.batches, 2u);
}

TEST_F(MaskedSubscriptionTest, WindowCountsWhatIsGiven) {
  auto channel = AddLive("tick", schema_);
  AppendNumbers(*channel, 1, 200, 128);
  SubscriptionOptions options = Masked({"other"}, ByName("tick"));
  options.window_bytes = 8 << 10;
  Open(std::move(options));
  const Given given = ReadAll();
  // Two hundred whole ones would not have fitted.
  ExpectNegations(given.seen, 1, 200);
  EXPECT_GT(subscription_->unacknowledged_bytes(), 0u);
  EXPECT_LE(subscription_->unacknowledged_bytes(), 8u << 10);
  ASSERT_TRUE(subscription_->Acknowledge("tick", {kEpoch, 200}).ok());
  EXPECT_EQ(subscription_->unacknowledged_bytes(), 0u);
}

TEST_F(MaskedSubscriptionTest, RecordLongerThanABatchIsGivenWhole) {
  log_limits_ = {.max_bytes = 1 << 20, .segment_bytes = 256 << 10};
  const auto schema = std::make_shared<const Schema>(
      testing::MakeSchema({{1,
                            "fact",
                            "",
                            Direction::kToUser,
                            4,
                            {MakeField("number", FieldKind::kU32, 0, 4),
                             MakeField("rest", FieldKind::kBytesRest, 4, 0)}}}));
  auto channel = AddLive("tick", schema);
  AppendNumbers(*channel, 1, 3, 60'000);
  AppendNumbers(*channel, 4, 6);
  Open(Masked({"rest"}, ByName("tick")));
  const Given given = ReadAll();
  ASSERT_EQ(RecordNumbers(given.seen), testing::Range(1, 6));
  EXPECT_EQ(given.seen[1].payload.size(), 60'000u - 4);
  EXPECT_EQ(given.seen[5].payload, Bytes(~6u));
}

TEST_F(MaskedSubscriptionTest, NewSchemaIsCutAnewAndWhatItLacksIsTold) {
  auto channel = AddLive("tick", schema_);
  AppendNumbers(*channel, 1, 10);
  const auto next = NumberSchema("changed");
  channel->SetSchema(next);
  channel->log().StartEpoch(kEpoch + 1, next->id, 1);
  AppendNumbers(*channel, 1, 10);
  Open(Masked({"number", "other"}, ByName("tick")));
  const Given given = ReadAll();
  ASSERT_EQ(given.schemas.size(), 2u);
  EXPECT_EQ(given.schemas[0], schema_->id);  // it has no more than these
  const auto left = masks_.FindSchema("tick", given.schemas[1]);
  ASSERT_NE(left, nullptr);
  EXPECT_EQ(left->types.at(0).fields.size(), 1u);
  EXPECT_EQ(given.updates.front().missing_fields, std::vector<std::string>());
  EXPECT_EQ(given.updates.back().missing_fields, std::vector<std::string>{"other"});
  ASSERT_EQ(given.seen.size(), 20u);
  EXPECT_EQ(given.seen[9].payload, Bytes(10) + Bytes(~10u));
  EXPECT_EQ(given.seen[19].payload, Bytes(10));
}

TEST_F(MaskedSubscriptionTest, SchemaThatHasNoneOfTheFieldsGivesRecordsWithoutPayload) {
  auto channel = AddLive("tick", schema_);
  const auto next = NumberSchema("changed");
  channel->SetSchema(next);
  channel->log().StartEpoch(kEpoch + 1, next->id, 1);
  AppendNumbers(*channel, 1, 3);
  Open(Masked({"other"}, ByName("tick", StartNow{})));
  AppendNumbers(*channel, 4, 5);
  const Given given = ReadAll();
  ASSERT_EQ(RecordNumbers(given.seen), (std::vector<uint64_t>{4, 5}));
  EXPECT_EQ(given.seen[0].payload, "");
  EXPECT_EQ(given.updates.back().missing_fields, std::vector<std::string>{"other"});
}

TEST_F(MaskedSubscriptionTest, RecordsOfASchemaThatIsNotKnownAreGivenWhole) {
  auto channel = AddLive("tick");
  AppendNumbers(*channel, 1, 3);
  Open(Masked({"other"}, ByName("tick")));
  const Given given = ReadAll();
  ASSERT_EQ(given.seen.size(), 3u);
  EXPECT_EQ(given.seen[0].payload, Bytes(1) + Bytes(~1u));
  EXPECT_EQ(given.schemas, std::vector<uint64_t>{kSchema});
}

TEST_F(MaskedSubscriptionTest, FieldThatOneOfTheChannelsLacksIsLeftOutThere) {
  AppendNumbers(*AddLive("tick", schema_), 1, 3);
  AppendNumbers(*AddLive("tock", NumberSchema("changed")), 1, 3);
  Open(Masked({"other"}, ByGlob("t*")));
  const Given given = ReadAll();
  ASSERT_EQ(given.seen.size(), 6u);
  EXPECT_EQ(given.seen[0].payload, Bytes(~1u));
  EXPECT_EQ(given.seen[3].payload, "");
}

TEST_F(MaskedSubscriptionTest, PathThatNoSelectedChannelHasIsRefused) {
  AddLive("tick", schema_);
  const absl::Status status = TryOpen(Masked({"number", "nunber"}, ByName("tick")));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "fields[1]: no selected channel has a field `nunber`; there are: number other");
  // A channel may come that has it.
  EXPECT_TRUE(TryOpen(Masked({"nunber"}, ByGlob("x*"))).ok());
}

TEST_F(MaskedSubscriptionTest, StreamThatResumesBehindAChangeOfTheSchemaIsToldAndNotRefused) {
  auto channel = AddLive("tick", NumberSchema("changed"));
  AppendNumbers(*channel, 1, 3);
  Open(Masked({"other"}, ByName("tick", StartAt{{kEpoch, 1}})));
  const Given given = ReadAll();
  EXPECT_EQ(RecordNumbers(given.seen), (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(given.updates.back().missing_fields, std::vector<std::string>{"other"});
}

TEST_F(MaskedSubscriptionTest, SchemaIsFoundForAsLongAsItIsInUseAndAWhileLonger) {
  auto channel = AddLive("tick", schema_);
  AppendNumbers(*channel, 1, 1);
  Open(Masked({"other"}, ByName("tick")));
  const uint64_t in_use = ReadAll().schemas.at(0);
  Schema other = *schema_;
  const auto add = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) {
      other.id += 1;
      masks_.AddSchema("tick", std::make_shared<const Schema>(other));
    }
  };
  add(FieldMasks::kKeptSchemas + 10);
  EXPECT_NE(masks_.FindSchema("tick", in_use), nullptr);
  EXPECT_EQ(masks_.FindSchema("tick", schema_->id + 1), nullptr);
  EXPECT_NE(masks_.FindSchema("tick", other.id), nullptr);
  subscription_.reset();
  EXPECT_EQ(masks_.FindSchema("tick", in_use), nullptr);
}

}  // namespace
}  // namespace kchan::hub
