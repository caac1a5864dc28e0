// SPDX-License-Identifier: Apache-2.0
// What the hub stores is what protobuf reads. Not under ThreadSanitizer, as it
// needs the distribution's protobuf.
#include "bridge/hub/wire.h"

#include <gtest/gtest.h>

#include <string>

#include "bridge/hub/channel_description.h"
#include "bridge/hub/field_kind.h"
#include "bridge/hub/log.h"
#include "bridge/hub/schema.h"
#include "kchan/v1/channel.pb.h"
#include "kchan/v1/record.pb.h"
#include "kchan/v1/schema.pb.h"
#include "tests/unit/hub/log_testing.h"

namespace kchan::hub {
namespace {

using testing::Follower;
using testing::LogFixture;
using testing::PayloadOf;

TEST(WireTest, FieldNumbersAreTheProtocols) {
  EXPECT_EQ(wire::kBatchRecords, v1::Batch::kRecordsFieldNumber);
  EXPECT_EQ(wire::kBatchLost, v1::Batch::kLostFieldNumber);
  EXPECT_EQ(wire::kBatchChannel, v1::Batch::kChannelFieldNumber);
  EXPECT_EQ(wire::kBatchEpoch, v1::Batch::kEpochFieldNumber);
  EXPECT_EQ(wire::kBatchSchemaId, v1::Batch::kSchemaIdFieldNumber);
  EXPECT_EQ(wire::kBatchFirstSequence, v1::Batch::kFirstSequenceFieldNumber);
  EXPECT_EQ(wire::kBatchLastSequence, v1::Batch::kLastSequenceFieldNumber);
  EXPECT_EQ(wire::kBatchFiltered, v1::Batch::kFilteredFieldNumber);
  EXPECT_EQ(wire::kBatchSampled, v1::Batch::kSampledFieldNumber);
  EXPECT_EQ(wire::kRecordSequence, v1::Record::kSequenceFieldNumber);
  EXPECT_EQ(wire::kRecordBoottime, v1::Record::kBoottimeNsFieldNumber);
  EXPECT_EQ(wire::kRecordCpu, v1::Record::kCpuFieldNumber);
  EXPECT_EQ(wire::kRecordType, v1::Record::kTypeFieldNumber);
  EXPECT_EQ(wire::kRecordPayload, v1::Record::kPayloadFieldNumber);
  EXPECT_EQ(wire::kRecordJson, v1::Record::kJsonFieldNumber);
  EXPECT_EQ(wire::kLostFirstSequence, v1::Lost::kFirstSequenceFieldNumber);
  EXPECT_EQ(wire::kLostCount, v1::Lost::kCountFieldNumber);
  EXPECT_EQ(wire::kLostStage, v1::Lost::kStageFieldNumber);
  EXPECT_EQ(wire::kLostCpu, v1::Lost::kCpuFieldNumber);
  EXPECT_EQ(wire::kLostCause, v1::Lost::kCauseFieldNumber);
}

TEST(WireTest, EnumerationsAreTheProtocols) {
  EXPECT_EQ(static_cast<int>(LossStage::kKernelRing), v1::LOSS_STAGE_KERNEL_RING);
  EXPECT_EQ(static_cast<int>(LossStage::kKernelTransport), v1::LOSS_STAGE_KERNEL_TRANSPORT);
  EXPECT_EQ(static_cast<int>(LossStage::kSource), v1::LOSS_STAGE_SOURCE);
  EXPECT_EQ(static_cast<int>(LossStage::kLogEviction), v1::LOSS_STAGE_LOG_EVICTION);
  EXPECT_EQ(static_cast<int>(LossStage::kSubscriberPolicy), v1::LOSS_STAGE_SUBSCRIBER_POLICY);
  EXPECT_EQ(static_cast<int>(LossStage::kRateLimit), v1::LOSS_STAGE_RATE_LIMIT);
  EXPECT_EQ(static_cast<int>(LossStage::kDaemonRestart), v1::LOSS_STAGE_DAEMON_RESTART);
  EXPECT_EQ(kLossStages, static_cast<size_t>(v1::LossStage_MAX) + 1);
  EXPECT_EQ(static_cast<int>(ChannelState::kIdle), v1::CHANNEL_STATE_IDLE);
  EXPECT_EQ(static_cast<int>(ChannelState::kLive), v1::CHANNEL_STATE_LIVE);
  EXPECT_EQ(static_cast<int>(ChannelState::kEnded), v1::CHANNEL_STATE_ENDED);
  EXPECT_EQ(static_cast<int>(ChannelState::kFailed), v1::CHANNEL_STATE_FAILED);
  EXPECT_EQ(static_cast<int>(Direction::kToUser), v1::DIRECTION_TO_USER);
  EXPECT_EQ(static_cast<int>(Direction::kToKernel), v1::DIRECTION_TO_KERNEL);
  EXPECT_EQ(static_cast<int>(Direction::kBoth), v1::DIRECTION_BOTH);
  EXPECT_EQ(static_cast<int>(ByteOrder::kLittle), v1::BYTE_ORDER_LITTLE_ENDIAN);
  EXPECT_EQ(static_cast<int>(ByteOrder::kBig), v1::BYTE_ORDER_BIG_ENDIAN);
}

// Reads with protobuf everything that a reader with batches of max_bytes gets.
v1::Batch ParseAll(const Log& log, size_t max_bytes) {
  v1::Batch all;
  Follower reader(log, StartOldest{});
  for (LogBatch batch = reader.Read(max_bytes); !batch.empty(); batch = reader.Read(max_bytes)) {
    std::string body;
    for (const SegmentSlice& slice : batch.slices) {
      body.append(reinterpret_cast<const char*>(slice.bytes.data()), slice.bytes.size());
    }
    v1::Batch part;
    EXPECT_TRUE(part.ParseFromString(body));
    EXPECT_EQ(part.GetReflection()->GetUnknownFields(part).field_count(), 0);
    all.MergeFrom(part);
  }
  return all;
}

TEST(WireTest, KindsAndDisplaysOfFieldsAreTheProtocols) {
  const auto number = [](auto value) { return static_cast<int>(value); };
  EXPECT_EQ(number(FieldKind::kU8), v1::FIELD_KIND_U8);
  EXPECT_EQ(number(FieldKind::kU64), v1::FIELD_KIND_U64);
  EXPECT_EQ(number(FieldKind::kS8), v1::FIELD_KIND_S8);
  EXPECT_EQ(number(FieldKind::kS64), v1::FIELD_KIND_S64);
  EXPECT_EQ(number(FieldKind::kBool), v1::FIELD_KIND_BOOL);
  EXPECT_EQ(number(FieldKind::kString), v1::FIELD_KIND_STRING);
  EXPECT_EQ(number(FieldKind::kBytes), v1::FIELD_KIND_BYTES);
  EXPECT_EQ(number(FieldKind::kStringLoc), v1::FIELD_KIND_STRING_LOC);
  EXPECT_EQ(number(FieldKind::kBytesLoc), v1::FIELD_KIND_BYTES_LOC);
  EXPECT_EQ(number(FieldKind::kStruct), v1::FIELD_KIND_STRUCT);
  EXPECT_EQ(number(FieldKind::kStringRest), v1::FIELD_KIND_STRING_REST);
  EXPECT_EQ(number(FieldKind::kBytesRest), v1::FIELD_KIND_BYTES_REST);
  EXPECT_EQ(number(FieldKind::kBytesRest), v1::FieldKind_MAX);
  EXPECT_EQ(number(FieldDisplay::kEnum), v1::FIELD_DISPLAY_ENUM);
  EXPECT_EQ(number(FieldDisplay::kFlags), v1::FIELD_DISPLAY_FLAGS);
  EXPECT_EQ(number(FieldDisplay::kIpv4), v1::FIELD_DISPLAY_IPV4);
  EXPECT_EQ(number(FieldDisplay::kIpv6), v1::FIELD_DISPLAY_IPV6);
  EXPECT_EQ(number(FieldDisplay::kMac), v1::FIELD_DISPLAY_MAC);
  EXPECT_EQ(number(FieldDisplay::kIp), v1::FIELD_DISPLAY_IP);
  EXPECT_EQ(number(FieldDisplay::kIp), v1::FieldDisplay_MAX);
}

TEST(WireTest, ProtobufReadsWhatTheLogStores) {
  LogFixture f({.max_bytes = 4 << 20, .segment_bytes = 16 << 10});
  f.Start();
  std::vector<size_t> sizes;
  for (size_t bytes = 0; bytes < 300; ++bytes) sizes.push_back(bytes);
  for (const size_t bytes : {16'300, 16'383, 16'384, 16'400, 65'536}) sizes.push_back(bytes);
  for (const size_t bytes : sizes) {
    f.Append(1, bytes);
    f.log.AppendLoss({.count = 200, .stage = LossStage::kKernelRing, .cpu = 0, .cause = "full"});
  }
  f.log.AppendLoss({.stage = LossStage::kKernelTransport});
  f.log.Publish();

  for (const size_t max_bytes : {1u, 5000u, 1u << 20}) {
    const v1::Batch all = ParseAll(f.log, max_bytes);
    ASSERT_EQ(all.records_size(), static_cast<int>(sizes.size()));
    ASSERT_EQ(all.lost_size(), static_cast<int>(sizes.size()) + 1);
    for (int i = 0; i < all.records_size(); ++i) {
      const v1::Record& record = all.records(i);
      const uint64_t sequence = 1 + 201 * static_cast<uint64_t>(i);
      EXPECT_EQ(record.sequence(), sequence);
      EXPECT_EQ(record.boottime_ns(), 1000 * sequence);
      EXPECT_EQ(record.cpu(), sequence % 3);
      EXPECT_EQ(record.type(), 1u);
      EXPECT_EQ(record.payload(), PayloadOf(sequence, sizes[static_cast<size_t>(i)]));
      const v1::Lost& lost = all.lost(i);
      EXPECT_EQ(lost.first_sequence(), sequence + 1);
      EXPECT_EQ(lost.count(), 200u);
      EXPECT_EQ(lost.stage(), v1::LOSS_STAGE_KERNEL_RING);
      EXPECT_TRUE(lost.has_cpu());
      EXPECT_EQ(lost.cause(), "full");
    }
    const v1::Lost& unknown = all.lost(all.lost_size() - 1);
    EXPECT_EQ(unknown.count(), 0u);
    EXPECT_FALSE(unknown.has_cpu());
  }
}

}  // namespace
}  // namespace kchan::hub
