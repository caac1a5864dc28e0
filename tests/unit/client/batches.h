// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_CLIENT_BATCHES_H_
#define KCHAN_TESTS_UNIT_CLIENT_BATCHES_H_

#include <cstdint>
#include <string>

#include "kchan/v1/channel_service.pb.h"

namespace kchan {

inline constexpr uint64_t kEpoch = 0x1122334455667788;

inline v1::Cursor MakeCursor(const std::string& channel, uint64_t epoch, uint64_t sequence) {
  v1::Cursor cursor;
  cursor.set_channel(channel);
  cursor.set_epoch(epoch);
  cursor.set_sequence(sequence);
  return cursor;
}

inline void AddRecord(v1::Batch* batch, uint64_t sequence, const std::string& payload = "payload") {
  v1::Record& record = *batch->add_records();
  record.set_sequence(sequence);
  record.set_boottime_ns(1000 + sequence);
  record.set_cpu(sequence % 3);
  record.set_type(1);
  record.set_payload(payload);
}

inline void AddLost(v1::Batch* batch, uint64_t first, uint64_t count,
                    v1::LossStage stage = v1::LOSS_STAGE_KERNEL_RING) {
  v1::Lost& lost = *batch->add_lost();
  lost.set_first_sequence(first);
  lost.set_count(count);
  lost.set_stage(stage);
}

// A batch of nothing yet.
inline v1::Batch MakeBatch(const std::string& channel, uint64_t first, uint64_t last,
                           uint64_t epoch = kEpoch) {
  v1::Batch batch;
  batch.set_channel(channel);
  batch.set_epoch(epoch);
  batch.set_schema_id(42);
  batch.set_first_sequence(first);
  batch.set_last_sequence(last);
  return batch;
}

// A batch with a record for each number.
inline v1::Batch FullBatch(const std::string& channel, uint64_t first, uint64_t last,
                           uint64_t epoch = kEpoch) {
  v1::Batch batch = MakeBatch(channel, first, last, epoch);
  for (uint64_t sequence = first; sequence <= last; ++sequence) AddRecord(&batch, sequence);
  return batch;
}

inline v1::SubscribeResponse BatchResponse(v1::Batch batch) {
  v1::SubscribeResponse response;
  *response.mutable_batch() = std::move(batch);
  return response;
}

inline v1::SubscribeResponse HelloResponse(std::initializer_list<v1::Cursor> cursors) {
  v1::SubscribeResponse response;
  response.mutable_hello()->mutable_node()->set_name("fake");
  response.mutable_hello()->set_clock_offset_ns(5'000'000'000);
  for (const v1::Cursor& cursor : cursors) *response.mutable_hello()->add_cursors() = cursor;
  return response;
}

inline v1::SubscribeResponse HeartbeatResponse(std::initializer_list<v1::Cursor> cursors) {
  v1::SubscribeResponse response;
  response.mutable_heartbeat()->set_clock_offset_ns(6'000'000'000);
  for (const v1::Cursor& cursor : cursors) *response.mutable_heartbeat()->add_cursors() = cursor;
  return response;
}

}  // namespace kchan

#endif  // KCHAN_TESTS_UNIT_CLIENT_BATCHES_H_
