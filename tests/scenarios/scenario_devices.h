// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_SCENARIOS_SCENARIO_DEVICES_H_
#define KCHAN_TESTS_SCENARIOS_SCENARIO_DEVICES_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/kernel_door.h"

namespace kchan::testing {

// The scenario node's channel "limits": high (u64) and low (s64), mode (off, on,
// auto), which clients change, and uptime, which they do not.
//
// Thread safety: any thread.
class ScenarioValues {
 public:
  explicit ScenarioValues(hub::Hub& hub);

  hub::ValueSnapshot Read() const;
  absl::StatusOr<hub::ValueChanged> Change(const hub::ValueChange& change);

 private:
  hub::ValueSnapshot ReadLocked() const;

  const std::shared_ptr<hub::Channel> channel_;
  mutable std::mutex mutex_;
  uint64_t version_ = 1;
  std::vector<hub::Word> words_;
};

// Its channel "disk": 1 MiB of blocks of 512 bytes, zeros at first. And
// "rom": 4 KiB that are read-only.
//
// Thread safety: any thread.
class ScenarioDisk {
 public:
  explicit ScenarioDisk(hub::Hub& hub);

  absl::Status Read(uint64_t offset, std::span<std::byte> to) const;
  absl::Status Write(uint64_t offset, std::span<const std::byte> from);

 private:
  mutable std::mutex mutex_;
  std::vector<std::byte> region_;
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_SCENARIOS_SCENARIO_DEVICES_H_
