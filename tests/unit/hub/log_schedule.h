// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_HUB_LOG_SCHEDULE_H_
#define KCHAN_TESTS_UNIT_HUB_LOG_SCHEDULE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "bridge/hub/log.h"
#include "tests/unit/hub/log_testing.h"

namespace kchan::hub::testing {

// One writer and some readers of a small log, doing what `pick` chooses, beside
// a model that forgets nothing. Fails the test, by GoogleTest's assertions,
// where the log gives anything that the model does not know, gives it twice or
// leaves it out, or exceeds its memory.
class LogSchedule {
 public:
  // A number below its argument.
  using Pick = std::function<uint64_t(uint64_t below)>;

  explicit LogSchedule(Pick pick);

  // One thing more.
  void Step();
  // Publishes, lets all readers come to the end, and checks that they do.
  void Finish();

 private:
  // What became of each number of an epoch.
  struct ModelEpoch {
    std::map<uint64_t, size_t> records;  // number -> payload's bytes
    std::map<uint64_t, LossStage> lost;
  };
  struct Reader {
    Follower follower;
    std::vector<LogBatch> held;  // a slow reader's, not sent yet
  };

  void Append();
  void AppendLoss();
  void StartEpoch();
  void AddReader();
  void ReplaceReader();
  void Resume(Reader& reader);
  Reader& AnyReader() { return readers_[pick_(readers_.size())]; }
  bool Read(Reader& reader, size_t max_bytes);
  void Check(const LogBatch& batch);
  void CheckEvicted(const LogBatch& batch, const Seen& loss);

  static constexpr LogLimits kLimits{.max_bytes = 128 << 10, .segment_bytes = 16 << 10};

  const Pick pick_;
  const std::shared_ptr<MemoryUse> use_ = std::make_shared<MemoryUse>();
  Log log_{kLimits, use_};
  uint64_t epoch_ = 0;
  std::map<uint64_t, ModelEpoch> model_;
  std::vector<Reader> readers_;
};

}  // namespace kchan::hub::testing

#endif  // KCHAN_TESTS_UNIT_HUB_LOG_SCHEDULE_H_
