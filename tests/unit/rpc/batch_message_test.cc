// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/batch_message.h"

#include <algorithm>
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

TEST_F(BatchMessageTest, ClockOfAnEarlierBootIsSaidWithItsRecordsOnly) {
  Append(2);
  hub::LogPosition position = *log_.Seek(hub::StartOldest{});
  hub::LogBatch read = log_.Read(position, 1 << 20);
  EXPECT_FALSE(Parse(BatchMessage("tick", read)).has_clock_offset_ns());
  for (const int64_t offset : {int64_t{1'790'000'000'000'000'000}, int64_t{-5}}) {
    read.clock_offset_ns = offset;
    const v1::Batch batch = Parse(BatchMessage("tick", read));
    EXPECT_EQ(batch.clock_offset_ns(), offset);
    EXPECT_EQ(batch.records_size(), 2);
    EXPECT_TRUE(batch.GetReflection()->GetUnknownFields(batch).empty());
  }
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

TEST_F(BatchMessageTest, CopiesAndFilteredNumbersAreInTheBatch) {
  Append(1);
  hub::LogPosition position = *log_.Seek(hub::StartOldest{});
  hub::LogBatch read = log_.Read(position, 1 << 20);
  read.last_sequence += 4;
  read.filtered = 4;
  read.sampled = 3;
  // The segment's bytes, moved to memory of the batch's own.
  const auto from = read.slices[0].bytes;
  auto copy = std::make_shared<std::byte[]>(from.size());
  std::copy(from.begin(), from.end(), copy.get());
  read.slices[0] = {.copy = copy, .bytes = {copy.get(), from.size()}};
  const std::weak_ptr<const std::byte[]> watched = copy;
  copy.reset();
  grpc::ByteBuffer message = BatchMessage("tick", read);
  read.slices.clear();
  EXPECT_FALSE(watched.expired());
  const v1::Batch batch = Parse(message);
  EXPECT_EQ(batch.records_size(), 1);
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
