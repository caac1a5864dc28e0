// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/batch_message.h"

#include <memory>
#include <span>
#include <string>

#include "bridge/hub/log.h"
#include "google/protobuf/unknown_field_set.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "gtest/gtest.h"
#include "kchan/v1/channel_service.pb.h"

namespace kchan::rpc {
namespace {

v1::Batch Parse(grpc::ByteBuffer buffer) {
  grpc::ProtoBufferReader reader(&buffer);
  v1::SubscribeResponse response;
  EXPECT_TRUE(response.ParseFromZeroCopyStream(&reader));
  EXPECT_TRUE(response.has_batch());
  return response.batch();
}

class BatchMessageTest : public ::testing::Test {
 protected:
  BatchMessageTest() : log_(hub::LogLimits{.max_bytes = 1 << 20, .segment_bytes = 4096}, use_) {
    log_.StartEpoch(7, 11, 1);
  }

  void Append(int records) {
    const std::string payload(100, 'p');
    for (int i = 0; i < records; ++i) {
      log_.Append({.boottime_ns = 1, .cpu = 2, .type = 3}, std::as_bytes(std::span(payload)));
    }
    log_.Publish();
  }

  const std::shared_ptr<hub::MemoryUse> use_ = std::make_shared<hub::MemoryUse>();
  hub::Log log_;
};

TEST_F(BatchMessageTest, IsWhatProtobufWouldHaveWritten) {
  Append(200);  // in several segments
  hub::LogPosition position = *log_.Seek(hub::StartOldest{});
  const hub::LogBatch read = log_.Read(position, 1 << 20);
  ASSERT_GT(read.slices.size(), 1u);
  const v1::Batch batch = Parse(BatchMessage("tick", read));
  EXPECT_EQ(batch.channel(), "tick");
  EXPECT_EQ(batch.epoch(), 7u);
  EXPECT_EQ(batch.schema_id(), 11u);
  EXPECT_EQ(batch.first_sequence(), 1u);
  EXPECT_EQ(batch.last_sequence(), 200u);
  EXPECT_EQ(batch.filtered(), 0u);
  ASSERT_EQ(batch.records_size(), 200);
  EXPECT_EQ(batch.records(199).payload(), std::string(100, 'p'));
  EXPECT_TRUE(batch.GetReflection()->GetUnknownFields(batch).empty());
}

TEST_F(BatchMessageTest, ReadersOwnLossStandsBeforeTheRecords) {
  hub::LogBatch read;
  read.epoch = 7;
  read.first_sequence = 5;
  read.last_sequence = 9;
  read.loss = hub::Loss{.first_sequence = 5,
                        .count = 5,
                        .stage = hub::LossStage::kLogEviction,
                        .cpu = 0,
                        .cause = "evicted"};
  const v1::Batch batch = Parse(BatchMessage("tick", read));
  ASSERT_EQ(batch.lost_size(), 1);
  EXPECT_EQ(batch.lost(0).first_sequence(), 5u);
  EXPECT_EQ(batch.lost(0).count(), 5u);
  EXPECT_EQ(batch.lost(0).stage(), v1::LOSS_STAGE_LOG_EVICTION);
  EXPECT_TRUE(batch.lost(0).has_cpu());  // CPU 0 is a CPU
  EXPECT_EQ(batch.lost(0).cause(), "evicted");
}

TEST_F(BatchMessageTest, LossOfUnknownCountAndCpuHasNeither) {
  hub::LogBatch read;
  read.epoch = 7;
  read.loss = hub::Loss{.stage = hub::LossStage::kDaemonRestart};
  const v1::Batch batch = Parse(BatchMessage("tick", read));
  ASSERT_EQ(batch.lost_size(), 1);
  EXPECT_EQ(batch.lost(0).count(), 0u);
  EXPECT_FALSE(batch.lost(0).has_cpu());
  EXPECT_EQ(batch.first_sequence(), 0u);
}

TEST_F(BatchMessageTest, LossesStandInTheirPlacesAmongLittleRunsAndLongOnes) {
  Append(30);
  hub::LogPosition position = *log_.Seek(hub::StartOldest{});
  const hub::LogBatch read = log_.Read(position, 1 << 20);
  const hub::SegmentSlice whole = read.slices[0];
  const size_t record_bytes = read.body_bytes / 30;
  hub::LogBatch chosen;
  chosen.epoch = 7;
  chosen.first_sequence = 1;
  chosen.last_sequence = 30;
  chosen.filtered = 4;
  chosen.sampled = 3;
  const auto take = [&](size_t first, size_t count) {
    chosen.slices.push_back(
        {.segment = whole.segment,
         .bytes = whole.bytes.subspan(first * record_bytes, count * record_bytes)});
    chosen.body_bytes += count * record_bytes;
  };
  const auto lose = [&](uint64_t sequence) {
    chosen.losses.push_back(
        {.slice = chosen.slices.size(),
         .loss = {.first_sequence = sequence, .count = 1, .stage = hub::LossStage::kRateLimit}});
  };
  take(0, 1);
  lose(2);
  take(2, 1);
  take(4, 18);  // longer than is copied
  lose(25);
  const v1::Batch batch = Parse(BatchMessage("tick", chosen));
  ASSERT_EQ(batch.records_size(), 20);
  EXPECT_EQ(batch.records(0).sequence(), 1u);
  EXPECT_EQ(batch.records(1).sequence(), 3u);
  EXPECT_EQ(batch.records(2).sequence(), 5u);
  EXPECT_EQ(batch.records(19).sequence(), 22u);
  ASSERT_EQ(batch.lost_size(), 2);
  EXPECT_EQ(batch.lost(0).first_sequence(), 2u);
  EXPECT_EQ(batch.lost(1).first_sequence(), 25u);
  EXPECT_EQ(batch.lost(1).stage(), v1::LOSS_STAGE_RATE_LIMIT);
  EXPECT_EQ(batch.filtered(), 4u);
  EXPECT_EQ(batch.sampled(), 3u);
}

TEST_F(BatchMessageTest, KeepsItsSegmentsAndLetsThemGo) {
  Append(100);
  hub::LogPosition position = *log_.Seek(hub::StartOldest{});
  auto read = std::make_unique<hub::LogBatch>(log_.Read(position, 1 << 20));
  const std::weak_ptr<const hub::Segment> segment = read->slices[0].segment;
  const long held_by_log_and_batch = segment.use_count();
  auto message = std::make_unique<grpc::ByteBuffer>(BatchMessage("tick", *read));
  EXPECT_GT(segment.use_count(), held_by_log_and_batch);
  message.reset();
  EXPECT_EQ(segment.use_count(), held_by_log_and_batch);
}

}  // namespace
}  // namespace kchan::rpc
