// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_CHANNEL_DESCRIPTION_H_
#define KCHAN_BRIDGE_HUB_CHANNEL_DESCRIPTION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bridge/hub/schema.h"

namespace kchan::hub {

// A value of a channel's source that can be set at run time.
struct Parameter {
  std::string name;
  uint64_t value = 0;
  uint64_t min_value = 0;
  uint64_t max_value = 0;
  uint64_t default_value = 0;
  std::string unit;
  std::string documentation;

  friend bool operator==(const Parameter&, const Parameter&) = default;
};

// A region of blocks; kchan.v1.BlockGeometry.
struct BlockGeometry {
  uint64_t capacity_bytes = 0;
  uint32_t block_bytes = 0;
  bool read_only = false;

  friend bool operator==(const BlockGeometry&, const BlockGeometry&) = default;
};

// How much data a channel is made for; same numbers as linux/kchan.h's.
enum class Volume : uint8_t {
  kUnspecified = 0,
  kValue = 1,
  kMessages = 2,
  kStream = 3,
  kBulk = 4,
};

// "value", "messages", "stream", "bulk"; empty if not known.
const char* VolumeName(Volume volume);

// What a channel is, as its source describes it: kchan.v1.Channel documents
// each part.
struct ChannelDescription {
  std::string name;
  std::string documentation;
  std::string provider;
  std::string transport;
  Volume volume = Volume::kMessages;
  std::string path;
  Direction direction = Direction::kToUser;
  std::string layout;
  std::string writer_policy;
  std::string writer_context;
  uint32_t max_record_bytes = 0;
  uint64_t budget_bytes = 0;
  uint32_t linger_ms = 0;
  std::vector<Parameter> parameters;
  std::optional<BlockGeometry> block;  // of Volume::kBulk

  // Whether it has a log, and so subscriptions.
  bool has_records() const { return volume != Volume::kValue && volume != Volume::kBulk; }
  // Whether its source leaves records in the kernel while its log has no room.
  bool can_wait() const { return transport == "ring"; }

  friend bool operator==(const ChannelDescription&, const ChannelDescription&) = default;
};

// Same numbers as kchan.v1.ChannelState.
enum class ChannelState : uint8_t {
  kUnspecified = 0,
  kIdle = 1,
  kLive = 2,
  kEnded = 3,
  kFailed = 4,
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_CHANNEL_DESCRIPTION_H_
