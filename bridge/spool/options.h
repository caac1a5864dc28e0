// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_OPTIONS_H_
#define KCHAN_BRIDGE_SPOOL_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/hub/hub.h"
#include "bridge/spool/files.h"

namespace kchan::spool {

// When to wait until written records are on the disk.
enum class Fsync : uint8_t { kNever, kInterval, kEach };

// Of one channel.
struct SpoolLimits {
  uint64_t max_bytes = 256ull << 20;
  std::chrono::seconds max_age{0};  // 0: any
  Fsync fsync = Fsync::kInterval;

  friend bool operator==(const SpoolLimits&, const SpoolLimits&) = default;
};

// How long things take; tests are in more of a hurry.
struct SpoolPace {
  std::chrono::milliseconds gather{10};  // records wait for each other, to be one write
  std::chrono::milliseconds sync{1000};
  std::chrono::milliseconds first_retry{1000};  // twice as long each time
  std::chrono::milliseconds last_retry{60'000};
};

struct SpoolOptions {
  std::string directory;
  uint64_t max_total_bytes = 4ull << 30;
  uint64_t max_read_bytes = 16ull << 20;
  std::string node;
  std::string boot_id;
  // Nothing: the channel is not kept.
  std::function<std::optional<SpoolLimits>(std::string_view channel)> limits_for;
  // Told each time that they change, from the spool's threads.
  std::function<void(std::vector<hub::Problem>)> on_problems;
  // One line for the daemon's log: where something begins or ends to be wrong.
  std::function<void(const std::string&)> on_note;
  SpoolPace pace;
  std::shared_ptr<Files> files;  // null: the system's
};

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_OPTIONS_H_
