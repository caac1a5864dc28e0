// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/hub.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace kchan::hub {

Hub::Hub(const HubLimits& limits, LogLimitsFor log_limits)
    : limits_(limits),
      log_limits_(std::move(log_limits)),
      use_(std::make_shared<MemoryUse>(limits.max_log_bytes)) {
  use_->max_pinned_bytes = limits_.max_pinned_bytes;
}

Hub::~Hub() = default;

void Hub::SetDoor(KernelDoor* door) {
  const std::lock_guard lock(mutex_);
  door_ = door;
}

KernelDoor* Hub::door() const {
  const std::lock_guard lock(mutex_);
  return door_;
}

void Hub::SetHistoryKeeper(HistoryKeeper* keeper) {
  const std::lock_guard lock(mutex_);
  keeper_ = keeper;
}

std::shared_ptr<Channel> Hub::Upsert(std::shared_ptr<const ChannelDescription> description) {
  if (auto known = Find(description->name)) {
    if (known->snapshot().description->has_records() == description->has_records()) {
      known->SetDescription(std::move(description));
      return known;
    }
    Remove(description->name);  // its log is of no use to the other kind
  }
  LogLimits log_limits = description->has_records() ? log_limits_(description->name)
                                                    : LogLimits{.max_bytes = 0, .segment_bytes = 0};
  // Half of all memory is enough for each channel to be writing a segment: the
  // other half at least is history, which can make room.
  log_limits.segment_bytes = std::min<uint64_t>(log_limits.segment_bytes,
                                                limits_.max_log_bytes / (2 * limits_.max_channels));

  std::shared_ptr<Channel> ended;
  std::unique_lock lock(mutex_);
  // Another thread may have made it meanwhile; it then is as new as this.
  if (const auto made = channels_.find(description->name); made != channels_.end()) {
    return made->second;
  }
  if (channels_.size() >= limits_.max_channels) {
    ended = TakeEndedLocked();
    if (ended == nullptr) return nullptr;
  }

  HistoryKeeper* const keeper = description->has_records() ? keeper_ : nullptr;
  auto history = keeper == nullptr ? nullptr : keeper->HistoryOf(description->name);
  auto channel =
      std::make_shared<Channel>(*this, description, log_limits, use_, std::move(history));
  channels_.emplace(description->name, channel);
  TouchLocked();
  lock.unlock();
  if (channel->log().history() != nullptr) keeper->Follow(channel);
  if (ended != nullptr) LetGo(ended);
  return channel;
}

std::shared_ptr<Channel> Hub::TakeEndedLocked() {
  auto first = channels_.end();
  auto first_ended_at = std::chrono::steady_clock::time_point::max();
  for (auto each = channels_.begin(); each != channels_.end(); ++each) {
    const auto ended_at = each->second->ended_at();
    if (!ended_at || *ended_at >= first_ended_at || each->second->readers() != 0) continue;
    first = each;
    first_ended_at = *ended_at;
  }
  if (first == channels_.end()) return nullptr;
  return std::move(channels_.extract(first).mapped());
}

void Hub::UpdateLogLimits() {
  for (const auto& channel : List()) {
    if (!channel->snapshot().description->has_records()) continue;
    const LogLimits limits = log_limits_(channel->name());
    channel->log().SetMaxBytes(limits.max_bytes);
    channel->log().SetMayBeHeld(limits.may_be_held);
  }
}

void Hub::Remove(std::string_view name) {
  std::shared_ptr<Channel> removed;  // its log is freed without the lock
  {
    const std::lock_guard lock(mutex_);
    const auto found = channels_.find(name);
    if (found == channels_.end()) return;
    removed = std::move(found->second);
    channels_.erase(found);
    TouchLocked();
  }
  LetGo(removed);
}

void Hub::LetGo(const std::shared_ptr<Channel>& channel) const {
  if (channel->log().history() != nullptr) keeper_->Leave(channel);
}

void Hub::SetKernelSide(KernelSideStatus status) {
  const std::lock_guard lock(mutex_);
  if (kernel_side_ == status) return;
  kernel_side_ = std::move(status);
  TouchLocked();
}

void Hub::SetOwnProblems(const std::string& part, std::vector<Problem> problems) {
  const std::lock_guard lock(mutex_);
  std::vector<Problem>& own = own_problems_[part];
  if (own == problems) return;
  own = std::move(problems);
  TouchLocked();
}

std::vector<Problem> Hub::problems() const {
  const std::lock_guard lock(mutex_);
  std::vector<Problem> problems = kernel_side_.problems;
  for (const auto& [part, own] : own_problems_) {
    problems.insert(problems.end(), own.begin(), own.end());
  }
  return problems;
}

std::shared_ptr<Channel> Hub::Find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(name);
  return found == channels_.end() ? nullptr : found->second;
}

bool Hub::is_full() const {
  const std::lock_guard lock(mutex_);
  return channels_.size() >= limits_.max_channels;
}

std::vector<std::shared_ptr<Channel>> Hub::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Channel>> list;
  list.reserve(channels_.size());
  for (const auto& [name, channel] : channels_) list.push_back(channel);
  return list;
}

KernelSideStatus Hub::kernel_side() const {
  const std::lock_guard lock(mutex_);
  return kernel_side_;
}

void Hub::SetPinnedWaiter(Waiter* waiter) {
  const std::lock_guard lock(use_->mutex);
  use_->over_pinned = waiter;
}

uint64_t Hub::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

bool Hub::Wait(uint64_t seen, Waiter* waiter) const {
  const std::lock_guard lock(mutex_);
  if (version_ > seen) return false;
  waiters_.Arm(waiter);
  return true;
}

void Hub::Disarm(Waiter* waiter) const {
  const std::lock_guard lock(mutex_);
  waiters_.Disarm(waiter);
}

void Hub::Touch() {
  const std::lock_guard lock(mutex_);
  TouchLocked();
}

void Hub::TouchLocked() {
  ++version_;
  waiters_.NotifyAll();
}

}  // namespace kchan::hub
