// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_RECORD_H_
#define KCHAN_BRIDGE_HUB_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kchan::hub {

// What the kernel side says about a record besides its payload.
struct RecordHeader {
  uint64_t boottime_ns = 0;  // CLOCK_BOOTTIME
  uint32_t cpu = 0;
  uint32_t type = 0;  // of the channel's schema
};

// Where records were lost. Same numbers as kchan.v1.LossStage.
enum class LossStage : uint8_t {
  kUnspecified = 0,
  kKernelRing = 1,
  kKernelTransport = 2,
  kSource = 3,
  kLogEviction = 4,
  kSubscriberPolicy = 5,
  kRateLimit = 6,
  kDaemonRestart = 7,
  kSpool = 8,
};
inline constexpr size_t kLossStages = 9;

// Consecutive numbers that will not come. A writer leaves first_sequence to
// the log, which assigns it.
struct Loss {
  uint64_t first_sequence = 0;
  uint64_t count = 0;  // 0: unknown; takes no numbers
  LossStage stage = LossStage::kUnspecified;
  std::optional<uint32_t> cpu = std::nullopt;
  std::string_view cause = {};  // a literal: outlives the loss
};

// A place in one channel: everything up to and including `sequence` is behind
// it. Epochs are compared for equality only; 0 is none.
struct Cursor {
  uint64_t epoch = 0;
  uint64_t sequence = 0;

  friend bool operator==(const Cursor&, const Cursor&) = default;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_RECORD_H_
