// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_CHANNEL_DESCRIPTION_H_
#define KCHAN_BRIDGE_HUB_CHANNEL_DESCRIPTION_H_

#include <cstdint>
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

// What a channel is, as its source describes it: kchan.v1.Channel documents
// each part.
struct ChannelDescription {
  std::string name;
  std::string documentation;
  std::string provider;
  std::string transport;
  Direction direction = Direction::kToUser;
  std::string layout;
  std::string writer_policy;
  std::string writer_context;
  uint32_t max_record_bytes = 0;
  uint64_t budget_bytes = 0;
  uint32_t linger_ms = 0;
  std::vector<Parameter> parameters;

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
