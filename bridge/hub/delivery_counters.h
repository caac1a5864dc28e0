// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_DELIVERY_COUNTERS_H_
#define KCHAN_BRIDGE_HUB_DELIVERY_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "bridge/hub/log_batch.h"
#include "bridge/hub/record.h"

namespace kchan::hub {

// What became of one channel's numbers on their way to its subscriptions, added
// up over all that there were.
struct Deliveries {
  uint64_t numbers = 0;  // given: records, and losses that all are told of in their place
  uint64_t bytes = 0;    // of these, as sent
  uint64_t acknowledged_bytes = 0;
  uint64_t filtered = 0;                     // withheld by time or filter
  uint64_t sampled = 0;                      // withheld by sampling
  std::array<uint64_t, kLossStages> lost{};  // by subscriptions, each for itself
};

// Thread safety: any thread.
class DeliveryCounters {
 public:
  void Given(const LogBatch& batch) {
    uint64_t covered =
        batch.first_sequence == 0 ? 0 : batch.last_sequence - batch.first_sequence + 1;
    if (batch.loss) {
      covered -= batch.loss->count;
      Add(lost_[static_cast<size_t>(batch.loss->stage) % kLossStages], batch.loss->count);
    }
    Add(lost_[static_cast<size_t>(LossStage::kRateLimit)], batch.limited);
    Add(numbers_, covered - batch.filtered - batch.limited);
    Add(bytes_, batch.body_bytes);
    Add(filtered_, batch.filtered - batch.sampled);
    Add(sampled_, batch.sampled);
  }
  void Acknowledged(uint64_t bytes) { Add(acknowledged_bytes_, bytes); }

  Deliveries Read() const {
    Deliveries now{.numbers = numbers_,
                   .bytes = bytes_,
                   .acknowledged_bytes = acknowledged_bytes_,
                   .filtered = filtered_,
                   .sampled = sampled_};
    for (size_t stage = 0; stage < kLossStages; ++stage) now.lost[stage] = lost_[stage];
    return now;
  }

 private:
  static void Add(std::atomic<uint64_t>& counter, uint64_t count) {
    if (count != 0) counter.fetch_add(count, std::memory_order_relaxed);
  }

  std::atomic<uint64_t> numbers_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> acknowledged_bytes_{0};
  std::atomic<uint64_t> filtered_{0};
  std::atomic<uint64_t> sampled_{0};
  std::array<std::atomic<uint64_t>, kLossStages> lost_{};
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_DELIVERY_COUNTERS_H_
