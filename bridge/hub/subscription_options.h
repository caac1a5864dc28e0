// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_SUBSCRIPTION_OPTIONS_H_
#define KCHAN_BRIDGE_HUB_SUBSCRIPTION_OPTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bridge/hub/boottime.h"
#include "bridge/hub/log_position.h"
#include "bridge/hub/record_form.h"

namespace kchan::hub {

class FieldMasks;

// Channels, and where to start in each. One that comes later starts at its
// beginning, or behind the cursor: a glob without wildcards, a name that may
// not exist yet, can have one.
struct Selection {
  bool is_glob = false;
  std::string pattern;                                 // a name or a glob
  Start start = StartNow{};                            // of StartSince the time is since_utc_ns
  std::optional<int64_t> since_utc_ns = std::nullopt;  // older records are withheld
};

// When a subscription ends by itself: when the first of these has come true.
struct StopCondition {
  // The record that is younger ends its channel; or the clock does, when it has
  // passed kUntilGraceNs more and nothing is left.
  std::optional<int64_t> until_utc_ns = std::nullopt;
  uint64_t records = 0;  // given out, of all channels; 0: no bound
  bool end_of_history = false;
};

// How long a record may take from the kernel into its log.
inline constexpr uint64_t kUntilGraceNs = 100'000'000;

// Same numbers as kchan.v1.OverflowPolicy.
enum class OverflowPolicy : uint8_t {
  kUnspecified = 0,
  kSkipToOldest = 1,
  kDisconnect = 2,
  kSkipToNewest = 3,
  kBlock = 4,
};

struct SubscriptionOptions {
  std::vector<Selection> selections;
  // Whether this reader may have a channel; another is not there for it. Asked in
  // the owner's calls. Empty: it may have all.
  std::function<bool(const std::string& channel)> is_offered = {};
  // As kchan.v1.SubscribeRequest.Open.filter; blank: everything passes.
  std::string filter = {};
  // As kchan.v1.SubscribeRequest.Open.fields; none: all of each record.
  std::vector<std::string> fields = {};
  FieldMasks* field_masks = nullptr;    // outlives the subscription; needed for `fields`
  RecordFormMaker form = {};            // of payloads, those of the fields; empty: as they are
  uint32_t sample_every = 1;            // takes the numbers that are multiples of it
  uint32_t max_records_per_second = 0;  // what is more is lost; 0: no limit
  StopCondition stop = {};
  // Bound of the sum of LogBatch.body_bytes given out and not acknowledged, but
  // one batch always may be. 0: no acknowledgements.
  uint64_t window_bytes = 0;
  // How long its channels' sources may let records wait for others, with nobody
  // else reading them who waits less.
  std::chrono::nanoseconds source_delay{0};
  size_t max_batch_bytes = 512 << 10;
  OverflowPolicy overflow_policy = OverflowPolicy::kSkipToOldest;
  int64_t clock_offset_ns = 0;  // UTC minus CLOCK_BOOTTIME
  std::function<uint64_t()> boottime_ns = BoottimeNow;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_SUBSCRIPTION_OPTIONS_H_
