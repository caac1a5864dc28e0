// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_SUBSCRIPTION_QUOTA_H_
#define KCHAN_BRIDGE_HUB_SUBSCRIPTION_QUOTA_H_

#include <cstdint>
#include <optional>

#include "bridge/hub/boottime.h"
#include "bridge/hub/rate_limit.h"
#include "bridge/hub/record_selection.h"
#include "bridge/hub/subscription_options.h"

namespace kchan::hub {

// How many records a subscription may be given, of all its channels together,
// and until when.
//
// Thread safety: none.
//
// Lifetime: the options outlive it.
class SubscriptionQuota {
 public:
  explicit SubscriptionQuota(const SubscriptionOptions& options)
      : options_(options),
        records_left_(options.stop.records == 0 ? UINT64_MAX : options.stop.records),
        rate_limit_(options.max_records_per_second),
        clock_offset_ns_(options.clock_offset_ns) {}

  RecordQuota Now() {
    const bool is_limited = options_.max_records_per_second != 0;
    return {.records = records_left_,
            .rate = is_limited ? rate_limit_.Available(options_.boottime_ns()) : UINT64_MAX};
  }
  // So many were given.
  void Take(uint64_t records) {
    if (records_left_ != UINT64_MAX) records_left_ -= records;
    rate_limit_.Take(records);
  }
  bool is_used_up() const { return records_left_ == 0; }

  // When it is over, on CLOCK_BOOTTIME, if nothing is left then.
  std::optional<uint64_t> ends_at_ns() const {
    if (!options_.stop.until_utc_ns) return std::nullopt;
    return BoottimeOf(*options_.stop.until_utc_ns, clock_offset_ns_) + kUntilGraceNs;
  }
  bool HasPassedItsEnd() const {
    const std::optional<uint64_t> end_ns = ends_at_ns();
    return end_ns && options_.boottime_ns() >= *end_ns;
  }

  int64_t clock_offset_ns() const { return clock_offset_ns_; }
  void SetClockOffset(int64_t offset_ns) { clock_offset_ns_ = offset_ns; }

 private:
  const SubscriptionOptions& options_;
  uint64_t records_left_;  // UINT64_MAX: no bound
  RateLimit rate_limit_;
  int64_t clock_offset_ns_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_SUBSCRIPTION_QUOTA_H_
