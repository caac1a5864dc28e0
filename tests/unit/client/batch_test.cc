// SPDX-License-Identifier: Apache-2.0
#include "kchan/batch.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "batches.h"

namespace kchan {
namespace {

// The order of a real stream: header fields first, elements in their places.
// (Protobuf itself would write all records, then all losses.)
std::string InPlace(const v1::Batch& header, const std::vector<v1::Batch>& elements) {
  std::string bytes = header.SerializeAsString();
  for (const v1::Batch& element : elements) bytes += element.SerializeAsString();
  return bytes;
}

v1::Batch Record(uint64_t sequence) {
  v1::Batch element;
  AddRecord(&element, sequence);
  return element;
}

v1::Batch Lost(uint64_t first, uint64_t count) {
  v1::Batch element;
  AddLost(&element, first, count);
  return element;
}

std::vector<std::string> Walk(const BatchView& batch) {
  std::vector<std::string> seen;
  batch.ForEach(
      [&](const RecordView& record) {
        seen.push_back("record " + std::to_string(record.sequence));
      },
      [&](const LostView& lost) {
        seen.push_back("lost " + std::to_string(lost.first_sequence) + "+" +
                       std::to_string(lost.count));
      });
  return seen;
}

TEST(BatchViewTest, SeesWhatProtobufWrote) {
  v1::Batch message = FullBatch("exec", 5, 7);
  message.mutable_records(0)->set_cpu(300);
  message.mutable_records(0)->set_type(70000);
  const std::string bytes = message.SerializeAsString();
  BatchView batch;
  ASSERT_TRUE(batch.Parse(bytes).ok());
  EXPECT_EQ(batch.channel(), "exec");
  EXPECT_EQ(batch.epoch(), kEpoch);
  EXPECT_EQ(batch.schema_id(), 42u);
  EXPECT_EQ(batch.first_sequence(), 5u);
  EXPECT_EQ(batch.last_sequence(), 7u);
  ASSERT_EQ(batch.records().size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(batch.records()[i].sequence, message.records(i).sequence());
    EXPECT_EQ(batch.records()[i].boottime_ns, message.records(i).boottime_ns());
    EXPECT_EQ(batch.records()[i].cpu, message.records(i).cpu());
    EXPECT_EQ(batch.records()[i].type, message.records(i).type());
    EXPECT_EQ(batch.records()[i].payload, message.records(i).payload());
  }
}

TEST(BatchViewTest, PayloadsAreNotCopied) {
  const std::string bytes = FullBatch("exec", 1, 1).SerializeAsString();
  BatchView batch;
  ASSERT_TRUE(batch.Parse(bytes).ok());
  const char* payload = batch.records()[0].payload.data();
  EXPECT_GE(payload, bytes.data());
  EXPECT_LT(payload, bytes.data() + bytes.size());
}

TEST(BatchViewTest, PayloadsMayBeJson) {
  v1::Batch message = FullBatch("exec", 1, 2);
  message.mutable_records(1)->clear_payload();
  message.mutable_records(1)->set_json("{}");
  const std::string bytes = message.SerializeAsString();
  BatchView batch;
  ASSERT_TRUE(batch.Parse(bytes).ok());
  EXPECT_EQ(batch.records()[0].json, "");
  EXPECT_EQ(batch.records()[1].json, "{}");
  EXPECT_EQ(batch.records()[1].payload, "");
  EXPECT_EQ(batch.records()[1].sequence, 2u);
}

TEST(BatchViewTest, LossesStandInTheirPlace) {
  const std::string bytes =
      InPlace(MakeBatch("exec", 1, 9),
              {Lost(1, 2), Record(3), Record(4), Lost(5, 1), Lost(6, 1), Record(7), Lost(8, 2)});
  BatchView batch;
  ASSERT_TRUE(batch.Parse(bytes).ok());
  EXPECT_EQ(batch.lost_count(), 6u);
  EXPECT_EQ(Walk(batch), (std::vector<std::string>{"lost 1+2", "record 3", "record 4", "lost 5+1",
                                                   "lost 6+1", "record 7", "lost 8+2"}));
}

TEST(BatchViewTest, LostCarriesItsAttribution) {
  v1::Batch message = MakeBatch("exec", 1, 4);
  AddLost(&message, 1, 4, v1::LOSS_STAGE_SOURCE);
  message.mutable_lost(0)->set_cpu(0);
  message.mutable_lost(0)->set_cause("bad record");
  const std::string bytes = message.SerializeAsString();
  BatchView batch;
  ASSERT_TRUE(batch.Parse(bytes).ok());
  EXPECT_EQ(batch.lost()[0].stage, v1::LOSS_STAGE_SOURCE);
  EXPECT_EQ(batch.lost()[0].cpu, 0u);
  EXPECT_EQ(batch.lost()[0].cause, "bad record");
}

TEST(BatchViewTest, UnknownFieldsAndStagesAreSkipped) {
  v1::Batch message = MakeBatch("exec", 1, 1);
  AddLost(&message, 1, 1);
  std::string bytes = message.SerializeAsString();
  bytes += std::string("\xfa\x01\x02hi", 5);            // field 31, bytes
  bytes += std::string("\xf8\x01\x05", 3);              // field 31, varint
  bytes += std::string("\xfd\x01\x01\x02\x03\x04", 6);  // field 31, fixed32
  bytes += std::string("\xf9\x01\x01\x02\x03\x04\x05\x06\x07\x08", 10);
  BatchView batch;
  EXPECT_TRUE(batch.Parse(bytes).ok());

  message.mutable_lost(0)->set_stage(static_cast<v1::LossStage>(99));
  bytes = message.SerializeAsString();
  ASSERT_TRUE(batch.Parse(bytes).ok());
  EXPECT_EQ(batch.lost()[0].stage, v1::LOSS_STAGE_UNSPECIFIED);
}

TEST(BatchViewTest, RecordsOfAnEarlierBootBringTheirOwnClock) {
  const NodeClock now(1000);
  v1::Batch message = FullBatch("exec", 1, 2);
  message.set_clock_offset_ns(-7);
  BatchView batch;
  ASSERT_TRUE(batch.Parse(message.SerializeAsString()).ok());
  EXPECT_EQ(batch.ClockOf(now).offset_ns(), -7);
  ASSERT_TRUE(batch.Parse(FullBatch("exec", 3, 4).SerializeAsString()).ok());
  EXPECT_EQ(batch.ClockOf(now).offset_ns(), 1000);
}

TEST(BatchViewTest, FilteredNumbersCloseTheArithmetic) {
  v1::Batch message = MakeBatch("exec", 1, 10);
  AddRecord(&message, 4);
  message.set_filtered(9);
  BatchView batch;
  EXPECT_TRUE(batch.Parse(message.SerializeAsString()).ok());
  for (const uint64_t wrong : {uint64_t{8}, uint64_t{10}, ~uint64_t{0}}) {
    message.set_filtered(wrong);
    EXPECT_EQ(batch.Parse(message.SerializeAsString()).code(), absl::StatusCode::kDataLoss);
    EXPECT_TRUE(batch.records().empty());
  }
}

TEST(BatchViewTest, LossOfUnknownCountTakesNoNumber) {
  v1::Batch message = MakeBatch("exec", 0, 99);
  AddLost(&message, 0, 0, v1::LOSS_STAGE_DAEMON_RESTART);
  BatchView batch;
  EXPECT_TRUE(batch.Parse(message.SerializeAsString()).ok());
  EXPECT_EQ(batch.lost_count(), 0u);
  AddRecord(&message, 99);
  EXPECT_EQ(batch.Parse(message.SerializeAsString()).code(), absl::StatusCode::kDataLoss);
}

TEST(BatchViewTest, NumbersOutOfOrderOrOutOfRangeAreRefused) {
  const v1::Batch header = MakeBatch("exec", 10, 12);
  const std::vector<std::vector<v1::Batch>> wrong = {
      {Record(10), Record(12), Record(11)},
      {Record(10), Record(10), Record(11)},
      {Record(9), Record(10), Record(11)},
      {Record(11), Record(12), Record(13)},
      {Record(10), Lost(11, 1), Record(11)},
      {Lost(10, 3), Record(13)},
      {Lost(9, 3)},
      {Lost(0, 3)},
      {Lost(11, ~uint64_t{0}), Record(12)},
      {Lost(10, ~uint64_t{0} - 8)},
  };
  for (const auto& elements : wrong) {
    BatchView batch;
    EXPECT_EQ(batch.Parse(InPlace(header, elements)).code(), absl::StatusCode::kDataLoss);
  }
}

TEST(BatchViewTest, ABatchOfNobodyIsRefused) {
  BatchView batch;
  EXPECT_FALSE(batch.Parse("").ok());
  v1::Batch message = FullBatch("", 1, 1);
  EXPECT_FALSE(batch.Parse(message.SerializeAsString()).ok());
  message = FullBatch("exec", 1, 1, 0);
  EXPECT_FALSE(batch.Parse(message.SerializeAsString()).ok());
  message = MakeBatch("exec", 7, 6);
  EXPECT_FALSE(batch.Parse(message.SerializeAsString()).ok());
}

TEST(BatchViewTest, WhateverIsAcceptedAddsUp) {
  std::mt19937 random(7);
  const std::string original =
      InPlace(MakeBatch("exec", 1, 9), {Record(1), Lost(2, 3), Record(5), Record(6), Lost(7, 3)});
  BatchView batch;
  auto check = [&](const std::string& bytes) {
    if (!batch.Parse(bytes).ok()) return;
    if (batch.first_sequence() == 0) return;
    EXPECT_EQ(batch.last_sequence() - batch.first_sequence() + 1,
              batch.records().size() + batch.lost_count() + batch.filtered());
    batch.ForEach(
        [&](const RecordView& record) {
          EXPECT_TRUE(record.payload.empty() || (record.payload.data() >= bytes.data() &&
                                                 record.payload.data() + record.payload.size() <=
                                                     bytes.data() + bytes.size()));
        },
        [](const LostView&) {});
  };
  for (size_t size = 0; size < original.size(); ++size) check(original.substr(0, size));
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = original;
    for (int flips = 1 + static_cast<int>(random() % 3); flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    check(bytes);
  }
}

TEST(BatchViewTest, SkippingKeepsTheArithmetic) {
  const std::string bytes = InPlace(MakeBatch("exec", 1, 9), {Lost(1, 2), Record(3), Record(4),
                                                              Lost(5, 3), Record(8), Record(9)});
  const std::vector<std::vector<std::string>> left = {
      {"lost 1+2", "record 3", "record 4", "lost 5+3", "record 8", "record 9"},
      {"lost 2+1", "record 3", "record 4", "lost 5+3", "record 8", "record 9"},
      {"record 3", "record 4", "lost 5+3", "record 8", "record 9"},
      {"record 4", "lost 5+3", "record 8", "record 9"},
      {"lost 5+3", "record 8", "record 9"},
      {"lost 6+2", "record 8", "record 9"},
      {"lost 7+1", "record 8", "record 9"},
      {"record 8", "record 9"},
      {"record 9"},
      {},
      {},
  };
  for (size_t sequence = 0; sequence < left.size(); ++sequence) {
    BatchView batch;
    ASSERT_TRUE(batch.Parse(bytes).ok());
    ASSERT_TRUE(batch.SkipThrough(sequence).ok()) << sequence;
    EXPECT_EQ(Walk(batch), left[sequence]) << sequence;
    EXPECT_EQ(batch.last_sequence(), 9u);
    if (sequence >= 9) {
      EXPECT_EQ(batch.first_sequence(), 0u);
      continue;
    }
    EXPECT_EQ(batch.first_sequence(), sequence + 1);
    EXPECT_EQ(9 - sequence, batch.records().size() + batch.lost_count() + batch.filtered());
  }
}

TEST(BatchViewTest, SkippingPutsWhatRemainsOfFilteredBehind) {
  v1::Batch message = MakeBatch("exec", 1, 10);
  AddRecord(&message, 4);
  AddRecord(&message, 8);
  message.set_filtered(8);
  const std::string bytes = message.SerializeAsString();
  BatchView batch;
  ASSERT_TRUE(batch.Parse(bytes).ok());
  ASSERT_TRUE(batch.SkipThrough(5).ok());
  EXPECT_EQ(batch.records().size(), 1u);
  EXPECT_EQ(batch.filtered(), 4u);
}

TEST(BatchViewTest, ExtendingBackAddsALossInFront) {
  const std::string bytes = FullBatch("exec", 11, 12).SerializeAsString();
  BatchView batch;
  ASSERT_TRUE(batch.Parse(bytes).ok());
  batch.ExtendBack(8, v1::LOSS_STAGE_DAEMON_RESTART, "gone");
  EXPECT_EQ(Walk(batch), (std::vector<std::string>{"lost 8+3", "record 11", "record 12"}));
  EXPECT_EQ(batch.first_sequence(), 8u);
  EXPECT_EQ(batch.lost_count(), 3u);
}

}  // namespace
}  // namespace kchan
