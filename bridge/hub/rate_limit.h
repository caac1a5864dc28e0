// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_RATE_LIMIT_H_
#define KCHAN_BRIDGE_HUB_RATE_LIMIT_H_

#include <algorithm>
#include <cstdint>

namespace kchan::hub {

// A bucket of records: one second's worth fit in, it fills at that rate, and is
// full at first.
//
// Thread safety: none.
class RateLimit {
 public:
  // 0: no limit.
  explicit RateLimit(uint32_t records_per_second)
      : rate_(records_per_second), level_(rate_ * kSecondNs) {}

  // How many records may pass at `now_ns`.
  uint64_t Available(uint64_t now_ns) {
    if (rate_ == 0) return UINT64_MAX;
    const uint64_t passed_ns = std::min(now_ns - std::min(now_ns, last_ns_), kSecondNs);
    last_ns_ = std::max(last_ns_, now_ns);
    level_ = std::min(level_ + rate_ * passed_ns, rate_ * kSecondNs);
    return level_ / kSecondNs;
  }

  // That many have passed, of those available.
  void Take(uint64_t records) {
    if (rate_ != 0) level_ -= std::min(level_, records * kSecondNs);
  }

 private:
  static constexpr uint64_t kSecondNs = 1'000'000'000;

  const uint64_t rate_;
  uint64_t level_;  // in record-nanoseconds: no rounding, and no overflow for 32 bits of rate
  uint64_t last_ns_ = 0;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_RATE_LIMIT_H_
