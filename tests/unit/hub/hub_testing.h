// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_HUB_HUB_TESTING_H_
#define KCHAN_TESTS_UNIT_HUB_HUB_TESTING_H_

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bridge/hub/hub.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/hub/subscription.h"
#include "tests/unit/hub/log_testing.h"

namespace kchan::hub::testing {

inline std::shared_ptr<const ChannelDescription> Description(const std::string& name,
                                                             const std::string& text = "") {
  ChannelDescription description;
  description.name = name;
  description.documentation = text;
  return std::make_shared<const ChannelDescription>(std::move(description));
}

// A hub with little channels, and one subscription at a time.
class HubTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kEpoch = 0xe1;
  static constexpr uint64_t kSchema = 0x51;
  static constexpr LogLimits kLogLimits{.max_bytes = 64 << 10, .segment_bytes = 16 << 10};

  std::shared_ptr<Channel> Add(const std::string& name) {
    auto channel = hub_.Upsert(Description(name));
    EXPECT_NE(channel, nullptr);
    return channel;
  }

  // A channel whose source is on.
  std::shared_ptr<Channel> AddLive(const std::string& name) {
    auto channel = Add(name);
    channel->log().StartEpoch(kEpoch, kSchema, 1);
    channel->SetState(ChannelState::kLive, "");
    return channel;
  }

  // The same, with a schema that is known.
  std::shared_ptr<Channel> AddLive(const std::string& name,
                                   const std::shared_ptr<const Schema>& schema) {
    auto channel = Add(name);
    channel->SetSchema(schema);
    channel->log().StartEpoch(kEpoch, schema->id, 1);
    channel->SetState(ChannelState::kLive, "");
    return channel;
  }

  static void Append(Channel& channel, int count, size_t payload_bytes = 16) {
    for (int i = 0; i < count; ++i) {
      const std::string payload = PayloadOf(channel.log().next_sequence(), payload_bytes);
      channel.log().Append({.boottime_ns = 1, .cpu = 0, .type = 1},
                           std::as_bytes(std::span(payload)));
    }
    channel.log().Publish();
  }

  LogLimits log_limits_ = kLogLimits;  // of channels to come
  Hub hub_{{.max_channels = 4, .max_log_bytes = 32 << 20, .max_pinned_bytes = 1 << 20},
           [this](std::string_view) { return log_limits_; }};
};

}  // namespace kchan::hub::testing

#endif  // KCHAN_TESTS_UNIT_HUB_HUB_TESTING_H_
