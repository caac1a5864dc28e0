// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/value_reader.h"

#include <algorithm>
#include <utility>

namespace kchan::hub {
namespace {

bool IsSame(const ValueSnapshot& a, const ValueSnapshot& b) {
  return a.generation == b.generation && a.version == b.version;
}

}  // namespace

uint64_t ChangesBetween(const ValueSnapshot& before, const ValueSnapshot& after) {
  if (IsSame(before, after)) return 0;
  const bool goes_on = before.generation == after.generation && before.version < after.version;
  return std::max<uint64_t>(after.version - (goes_on ? before.version : 0), 1) - 1;
}

ValueReader::ValueReader(Hub& hub, std::shared_ptr<Channel> channel, Waiter* waiter)
    : hub_(hub),
      waiter_(waiter),
      channel_(std::move(channel)),
      demand_(std::make_unique<ChannelDemand>(hub, channel_)) {}

ValueReader::~ValueReader() { channel_->values().Disarm(waiter_); }

void ValueReader::Replace(std::shared_ptr<Channel> channel) {
  channel_->values().Disarm(waiter_);
  channel_ = std::move(channel);
  demand_ = std::make_unique<ChannelDemand>(hub_, channel_);
  seen_ = 0;
}

bool ValueReader::ready() const {
  const ValueFeed::Latest latest = channel_->values().latest();
  seen_ = latest.number;
  if (!latest.stale) return true;
  const ChannelState state = channel_->snapshot().state;
  return state == ChannelState::kEnded || state == ChannelState::kFailed;
}

bool ValueReader::HasChanged() const {
  const ValueFeed::Latest latest = channel_->values().latest();
  seen_ = latest.number;
  return Differs(latest);
}

bool ValueReader::Differs(const ValueFeed::Latest& latest) const {
  if (!given_any_ || latest.stale != given_stale_) return true;
  if (latest.snapshot == nullptr || latest.snapshot == given_) return false;
  return given_ == nullptr || !IsSame(*given_, *latest.snapshot);
}

ValueUpdate ValueReader::Take() {
  const ValueFeed::Latest latest = channel_->values().latest();
  ValueUpdate update{.snapshot = latest.snapshot, .stale = latest.stale};
  // A channel that took another's place may have nothing yet.
  if (update.snapshot == nullptr) update.snapshot = given_;
  update.changed = Differs(latest);
  if (given_ && update.snapshot) update.duplicates = ChangesBetween(*given_, *update.snapshot);
  seen_ = latest.number;
  given_any_ = true;
  given_stale_ = update.stale;
  given_ = update.snapshot;
  return update;
}

bool ValueReader::Wait() { return channel_->values().Wait(seen_, waiter_); }

}  // namespace kchan::hub
