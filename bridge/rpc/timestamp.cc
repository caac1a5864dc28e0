// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/timestamp.h"

#include <limits>

#include "bridge/rpc/status.h"

namespace kchan::rpc {

absl::StatusOr<int64_t> FromProto(const google::protobuf::Timestamp& time,
                                  absl::string_view field) {
  // As protobuf defines it: the years 1 to 9999.
  constexpr int64_t kFirstSecond = -62'135'596'800;
  constexpr int64_t kLastSecond = 253'402'300'799;
  constexpr int64_t kSecondNs = 1'000'000'000;
  if (time.seconds() < kFirstSecond || time.seconds() > kLastSecond || time.nanos() < 0 ||
      time.nanos() >= kSecondNs) {
    return BadField(field, "is no time between the years 1 and 9999");
  }
  constexpr int64_t kMostSeconds = std::numeric_limits<int64_t>::max() / kSecondNs;
  if (time.seconds() >= kMostSeconds) return std::numeric_limits<int64_t>::max();
  if (time.seconds() <= -kMostSeconds) return std::numeric_limits<int64_t>::min();
  return time.seconds() * kSecondNs + time.nanos();
}

}  // namespace kchan::rpc
