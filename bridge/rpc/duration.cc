// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/duration.h"

#include <cstdint>

#include "bridge/rpc/status.h"

namespace kchan::rpc {

using std::chrono::nanoseconds;

absl::StatusOr<nanoseconds> FromProto(const google::protobuf::Duration& duration,
                                      absl::string_view field, nanoseconds min, nanoseconds max,
                                      absl::string_view allowed) {
  constexpr int64_t kMaxSeconds = 24 * 3600;  // far above any bound: no overflow below
  const bool is_sane = duration.seconds() >= 0 && duration.seconds() <= kMaxSeconds &&
                       duration.nanos() >= 0 && duration.nanos() < 1'000'000'000;
  const nanoseconds value =
      is_sane ? std::chrono::seconds(duration.seconds()) + nanoseconds(duration.nanos())
              : nanoseconds(-1);
  if (value < min || value > max) return BadField(field, allowed);
  return value;
}

absl::StatusOr<nanoseconds> HeartbeatFromProto(const google::protobuf::Duration& duration) {
  return FromProto(duration, "heartbeat_interval", std::chrono::milliseconds(100),
                   std::chrono::hours(1), "must be 100 ms to 1 h");
}

}  // namespace kchan::rpc
