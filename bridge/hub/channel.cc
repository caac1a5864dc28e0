// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/channel.h"

#include <utility>

#include "bridge/hub/hub.h"
#include "bridge/hub/kernel_door.h"

namespace kchan::hub {

Channel::Channel(Hub& hub, std::shared_ptr<const ChannelDescription> description,
                 const LogLimits& limits, std::shared_ptr<MemoryUse> use,
                 std::shared_ptr<History> history)
    : hub_(hub), name_(description->name), log_(limits, std::move(use), std::move(history)) {
  snapshot_.description = std::move(description);
}

ChannelSnapshot Channel::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

std::optional<std::chrono::steady_clock::time_point> Channel::ended_at() const {
  const std::lock_guard lock(mutex_);
  return ended_at_;
}

// The hub is told without the channel's lock: its waiters' locks come first.
void Channel::SetDescription(std::shared_ptr<const ChannelDescription> description) {
  {
    const std::lock_guard lock(mutex_);
    if (*snapshot_.description == *description) return;
    snapshot_.description = std::move(description);
  }
  hub_.Touch();
}

void Channel::SetState(ChannelState state, std::string reason) {
  {
    const std::lock_guard lock(mutex_);
    if (snapshot_.state == state && snapshot_.reason == reason) return;
    if (state != ChannelState::kEnded) {
      ended_at_.reset();
    } else if (!ended_at_) {
      ended_at_ = std::chrono::steady_clock::now();
    }
    snapshot_.state = state;
    snapshot_.reason = std::move(reason);
  }
  hub_.Touch();
}

void Channel::SetSchema(std::shared_ptr<const Schema> schema) {
  {
    const std::lock_guard lock(mutex_);
    if (snapshot_.schema && snapshot_.schema->id == schema->id) return;
    snapshot_.schema = schema;
    // One more than the log has epochs: the next epoch's may come first.
    std::erase_if(schemas_, [&](const auto& known) { return known->id == schema->id; });
    if (schemas_.size() > Log::kMaxEpochs) schemas_.erase(schemas_.begin());
    schemas_.push_back(std::move(schema));
  }
  hub_.Touch();
}

std::shared_ptr<const Schema> Channel::FindSchema(uint64_t schema_id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& schema : schemas_) {
    if (schema->id == schema_id) return schema;
  }
  return log_.history() == nullptr ? nullptr : log_.history()->FindSchema(schema_id);
}

std::vector<std::shared_ptr<const Schema>> Channel::schemas() const {
  const std::lock_guard lock(mutex_);
  return schemas_;
}

ChannelDemand::ChannelDemand(Hub& hub, std::shared_ptr<Channel> channel)
    : hub_(hub), channel_(std::move(channel)) {
  if (channel_->readers_.fetch_add(1) != 0) return;
  if (KernelDoor* door = hub_.door()) door->DemandChanged(channel_);
}

ChannelDemand::~ChannelDemand() {
  if (channel_->readers_.fetch_sub(1) != 1) return;
  if (KernelDoor* door = hub_.door()) door->DemandChanged(channel_);
}

}  // namespace kchan::hub
