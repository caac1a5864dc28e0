// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hub/log_schedule.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <utility>

namespace kchan::hub::testing {

LogSchedule::LogSchedule(Pick pick) : pick_(std::move(pick)) {
  StartEpoch();
  for (int i = 0; i < 4; ++i) AddReader();
}

void LogSchedule::Step() {
  const uint64_t what = pick_(100);
  if (what < 45) {
    Append();
  } else if (what < 55) {
    AppendLoss();
  } else if (what < 70) {
    log_.Publish();
  } else if (what < 90) {
    Read(AnyReader(), 1 + pick_(20'000));
  } else if (what < 94) {
    ReplaceReader();
  } else if (what < 97) {
    Resume(AnyReader());
  } else if (what < 99) {
    AnyReader().held.clear();
  } else {
    StartEpoch();
  }
  EXPECT_LE(use_->log_bytes.load(), kLimits.max_bytes);
}

void LogSchedule::Finish() {
  log_.Publish();
  for (Reader& reader : readers_) {
    while (Read(reader, 1 << 20)) {
    }
    EXPECT_EQ(reader.follower.cursor(), (Cursor{epoch_, log_.next_sequence() - 1}));
  }
  readers_.clear();
  EXPECT_EQ(use_->pinned_bytes.load(), 0u);
}

void LogSchedule::Append() {
  for (uint64_t n = pick_(30); n > 0; --n) {
    const size_t bytes = pick_(50) == 0 ? pick_(30'000) : pick_(400);
    const uint64_t sequence = log_.next_sequence();
    const std::string payload = PayloadOf(sequence ^ epoch_, bytes);
    log_.Append({.boottime_ns = sequence, .cpu = 1, .type = 1}, std::as_bytes(std::span(payload)));
    model_[epoch_].records[sequence] = bytes;
  }
}

void LogSchedule::AppendLoss() {
  const Loss loss{.count = 1 + pick_(pick_(4) == 0 ? 1000 : 3),
                  .stage = static_cast<LossStage>(1 + pick_(3)),
                  .cpu = static_cast<uint32_t>(pick_(2)),
                  .cause = "full"};
  for (uint64_t i = 0; i < loss.count; ++i) {
    model_[epoch_].lost[log_.next_sequence() + i] = loss.stage;
  }
  log_.AppendLoss(loss);
}

void LogSchedule::StartEpoch() {
  epoch_ = 1000 + model_.size();
  const uint64_t first = pick_(2) == 0 ? 1 : 1 + pick_(50);
  ModelEpoch& model = model_[epoch_];
  for (uint64_t n = 1; n < first; ++n) model.lost[n] = LossStage::kDaemonRestart;
  log_.StartEpoch(epoch_, 1 + pick_(2), first);
}

void LogSchedule::AddReader() {
  Start start = StartNow{};
  const uint64_t what = pick_(3);
  if (what == 0) start = StartOldest{};
  if (what == 1) start = StartLast{pick_(100)};
  readers_.push_back({.follower = Follower(log_, start), .held = {}});
}

void LogSchedule::ReplaceReader() {
  readers_.erase(readers_.begin() + static_cast<ptrdiff_t>(pick_(readers_.size())));
  AddReader();
}

// As a client that reconnects does.
void LogSchedule::Resume(Reader& reader) {
  const auto position = log_.Seek(StartAt{reader.follower.cursor()});
  ASSERT_TRUE(position.has_value());
  reader.follower.position() = *position;
}

bool LogSchedule::Read(Reader& reader, size_t max_bytes) {
  LogBatch batch = reader.follower.Read(max_bytes);
  if (batch.empty()) return false;
  Check(batch);
  if (reader.held.size() < 3 && pick_(3) == 0) reader.held.push_back(std::move(batch));
  return true;
}

void LogSchedule::Check(const LogBatch& batch) {
  const auto found = model_.find(batch.epoch);
  ASSERT_NE(found, model_.end());
  const ModelEpoch& model = found->second;
  bool is_own_loss = batch.loss.has_value();
  for (const Seen& seen : Decode(batch)) {  // which checks the arithmetic
    if (seen.is_record) {
      const auto record = model.records.find(seen.first);
      ASSERT_NE(record, model.records.end()) << seen.first;
      EXPECT_EQ(seen.payload, PayloadOf(seen.first ^ batch.epoch, record->second));
    } else if (is_own_loss && seen.stage == LossStage::kLogEviction) {
      CheckEvicted(batch, seen);
    } else {
      for (uint64_t n = seen.first; n < seen.first + seen.count; ++n) {
        ASSERT_EQ(model.lost.at(n), seen.stage) << n;
      }
    }
    is_own_loss = false;
  }
}

// What a reader was told is evicted really is gone.
void LogSchedule::CheckEvicted(const LogBatch& batch, const Seen& loss) {
  const LogExtent extent = log_.extent();
  if (extent.epoch != batch.epoch || extent.oldest_sequence == 0) return;
  EXPECT_LT(loss.first + loss.count - 1, extent.oldest_sequence);
}

}  // namespace kchan::hub::testing
