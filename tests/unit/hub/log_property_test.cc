// SPDX-License-Identifier: Apache-2.0
// Random schedules against a model that forgets nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "bridge/hub/log.h"
#include "tests/unit/hub/log_testing.h"

namespace kchan::hub {
namespace {

using testing::Decode;
using testing::Follower;
using testing::PayloadOf;
using testing::Seen;

// What became of each number of an epoch.
struct ModelEpoch {
  uint64_t first = 1;
  std::map<uint64_t, size_t> records;  // number -> payload's bytes
  std::map<uint64_t, LossStage> lost;  // number -> stage
};

class Schedule {
 public:
  explicit Schedule(uint32_t seed) : random_(seed) {
    StartEpoch();
    for (int i = 0; i < 4; ++i) AddReader();
  }

  void Run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) Step();
    log_.Publish();
    for (Reader& reader : readers_) {
      while (ReadOne(reader, 1 << 20)) {
      }
      EXPECT_EQ(reader.follower.cursor(), (Cursor{epoch_, log_.next_sequence() - 1}));
    }
    readers_.clear();
    EXPECT_EQ(use_->pinned_bytes.load(), 0u);
  }

 private:
  struct Reader {
    Follower follower;
    std::vector<LogBatch> held;  // a slow reader's, not sent yet
  };

  uint64_t Pick(uint64_t below) { return random_() % below; }

  void Step() {
    const uint64_t what = Pick(100);
    if (what < 45) {
      Append();
    } else if (what < 55) {
      AppendLoss();
    } else if (what < 70) {
      log_.Publish();
    } else if (what < 90) {
      ReadOne(readers_[Pick(readers_.size())], 1 + Pick(20'000));
    } else if (what < 94) {
      readers_.erase(readers_.begin() + static_cast<ptrdiff_t>(Pick(readers_.size())));
      AddReader();
    } else if (what < 97) {
      Resume(readers_[Pick(readers_.size())]);
    } else if (what < 99) {
      readers_[Pick(readers_.size())].held.clear();
    } else {
      StartEpoch();
    }
    EXPECT_LE(use_->log_bytes.load(), kLimits.max_bytes);
  }

  void Append() {
    for (uint64_t n = Pick(30); n > 0; --n) {
      const size_t bytes = Pick(50) == 0 ? Pick(30'000) : Pick(400);
      const uint64_t sequence = log_.next_sequence();
      const std::string payload = PayloadOf(sequence ^ epoch_, bytes);
      log_.Append({.boottime_ns = sequence, .cpu = 1, .type = 1},
                  std::as_bytes(std::span(payload)));
      model_[epoch_].records[sequence] = bytes;
    }
  }

  void AppendLoss() {
    const Loss loss{.count = 1 + Pick(Pick(4) == 0 ? 1000 : 3),
                    .stage = static_cast<LossStage>(1 + Pick(3)),
                    .cpu = static_cast<uint32_t>(Pick(2)),
                    .cause = "full"};
    for (uint64_t i = 0; i < loss.count; ++i) {
      model_[epoch_].lost[log_.next_sequence() + i] = loss.stage;
    }
    log_.AppendLoss(loss);
  }

  void StartEpoch() {
    epoch_ = 1000 + model_.size();
    const uint64_t first = Pick(2) == 0 ? 1 : 1 + Pick(50);
    model_[epoch_].first = first;
    for (uint64_t n = 1; n < first; ++n) model_[epoch_].lost[n] = LossStage::kDaemonRestart;
    log_.StartEpoch(epoch_, 1 + Pick(2), first);
  }

  void AddReader() {
    Start start = StartNow{};
    const uint64_t what = Pick(3);
    if (what == 0) start = StartOldest{};
    if (what == 1) start = StartLast{Pick(100)};
    readers_.push_back({.follower = Follower(log_, start), .held = {}});
  }

  // As a client that reconnects does.
  void Resume(Reader& reader) {
    const auto position = log_.Seek(StartAt{reader.follower.cursor()});
    ASSERT_TRUE(position.has_value());
    reader.follower.position() = *position;
  }

  bool ReadOne(Reader& reader, size_t max_bytes) {
    LogBatch batch = reader.follower.Read(max_bytes);
    if (batch.empty()) return false;
    Check(batch);
    if (Pick(3) == 0 && reader.held.size() < 3) reader.held.push_back(std::move(batch));
    return true;
  }

  void Check(const LogBatch& batch) {
    const auto found = model_.find(batch.epoch);
    ASSERT_NE(found, model_.end());
    const ModelEpoch& model = found->second;
    bool own_loss = batch.loss.has_value();
    for (const Seen& seen : Decode(batch)) {  // which checks the arithmetic
      if (seen.is_record) {
        const auto record = model.records.find(seen.first);
        ASSERT_NE(record, model.records.end()) << seen.first;
        EXPECT_EQ(seen.payload, PayloadOf(seen.first ^ batch.epoch, record->second));
      } else if (!own_loss || seen.stage == LossStage::kDaemonRestart) {
        for (uint64_t n = seen.first; n < seen.first + seen.count; ++n) {
          ASSERT_EQ(model.lost.at(n), seen.stage) << n;
        }
      } else {
        CheckEvicted(batch, seen);
      }
      own_loss = false;
    }
  }

  // What a reader was told is evicted really is gone.
  void CheckEvicted(const LogBatch& batch, const Seen& loss) {
    if (loss.stage != LossStage::kLogEviction) return;  // the rest of a loss
    const LogExtent extent = log_.extent();
    if (extent.epoch != batch.epoch || extent.oldest_sequence == 0) return;
    EXPECT_LT(loss.first + loss.count - 1, extent.oldest_sequence);
  }

  static constexpr LogLimits kLimits{.max_bytes = 128 << 10, .segment_bytes = 16 << 10};

  std::mt19937 random_;
  std::shared_ptr<MemoryUse> use_ = std::make_shared<MemoryUse>();
  Log log_{kLimits, use_};
  uint64_t epoch_ = 0;
  std::map<uint64_t, ModelEpoch> model_;
  std::vector<Reader> readers_;
};

class LogPropertyTest : public ::testing::TestWithParam<uint32_t> {};

TEST_P(LogPropertyTest, EveryNumberIsARecordOrALoss) { Schedule(GetParam()).Run(3000); }

INSTANTIATE_TEST_SUITE_P(Seeds, LogPropertyTest, ::testing::Range(1u, 13u));

}  // namespace
}  // namespace kchan::hub
