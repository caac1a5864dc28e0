// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/value_watch_stream.h"

#include <algorithm>
#include <utility>

#include "bridge/rpc/channel_lookup.h"
#include "bridge/rpc/refused_stream.h"

namespace kchan::rpc {
namespace {

// How long a channel that is being turned on may take to tell its values
// before the others' watcher is told that it has none.
constexpr auto kPatience = std::chrono::seconds(2);

}  // namespace

ValueWatchStream::Reactor* ValueWatchStream::Start(Core& core, Caller caller,
                                                   const v1::WatchValuesRequest& request) {
  for (const std::string& channel : request.channels()) {
    absl::Status status = caller.Check(security::Right::kRead, channel);
    if (!status.ok()) return new RefusedStream<Reactor>(status);
  }
  auto checked = FromProto(request, core.hub);
  if (!checked.ok()) return new RefusedStream<Reactor>(checked.status());
  return Begin(std::make_shared<ValueWatchStream>(core, std::move(caller), *std::move(checked)));
}

ValueWatchStream::ValueWatchStream(Core& core, Caller caller, ValueWatchRequest request)
    : PumpedWriter(core.lanes.Next().pump, core.value_watches, std::move(caller)),
      core_(core),
      request_(std::move(request)) {}

absl::Status ValueWatchStream::CheckRights() {
  for (const std::shared_ptr<hub::Channel>& channel : request_.channels) {
    absl::Status status = caller().Check(security::Right::kRead, channel->name());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void ValueWatchStream::Turn() {
  if (watched_.empty()) Open();
  do {
    if (!FollowHub()) return;
    const TimePoint now = Pump::Clock::now();
    MarkSamples(now);
    if (Next(now)) return Write(&response_);
  } while (!Wait());
  ArmDeadline();
}

void ValueWatchStream::Open() {
  const TimePoint now = Pump::Clock::now();
  patience_ends_ = now + kPatience;
  next_sample_ = now + request_.sample_interval;
  for (const std::shared_ptr<hub::Channel>& channel : request_.channels) {
    Watched& watched = watched_.emplace_back();
    watched.reader = std::make_unique<hub::ValueReader>(core_.hub, channel, this);
  }
}

bool ValueWatchStream::FollowHub() {
  const uint64_t version = core_.hub.version();
  if (std::exchange(hub_version_, version) == version) return true;
  for (Watched& watched : watched_) {
    const auto channel = core_.hub.Find(watched.reader->channel()->name());
    if (channel == nullptr || channel == watched.reader->channel()) continue;
    if (const auto values = FindValues(core_.hub, channel->name()); !values.ok()) {
      End(values.status());
      return false;
    }
    watched.reader->Replace(channel);
  }
  return true;
}

void ValueWatchStream::MarkSamples(TimePoint now) {
  if (!is_sampled() || now < next_sample_) return;
  for (Watched& watched : watched_) watched.sample_due = true;
  next_sample_ += request_.sample_interval;
  if (next_sample_ <= now) next_sample_ = now + request_.sample_interval;
}

bool ValueWatchStream::Next(TimePoint now) {
  for (size_t i = 0; i < watched_.size(); ++i) {
    const size_t turn = (turn_ + i) % watched_.size();
    Watched& watched = watched_[turn];
    const bool heartbeat_due = IsHeartbeatDue(watched, now);
    if (!IsDue(watched, now) && !heartbeat_due) continue;
    turn_ = turn + 1;
    const hub::ValueUpdate update = watched.reader->Take();
    const bool is_sample = std::exchange(watched.sample_due, false) && !request_.suppress_redundant;
    const bool is_first = !std::exchange(watched.opened, true);
    watched.last_sent = now;
    *response_.mutable_update() = ToProto(watched.reader->channel()->name(), update,
                                          !update.changed && !is_sample && !is_first);
    return true;
  }
  const bool all_opened = std::all_of(watched_.begin(), watched_.end(),
                                      [](const Watched& watched) { return watched.opened; });
  if (!all_opened || std::exchange(synced_, true)) return false;
  response_.set_synced(true);
  return true;
}

bool ValueWatchStream::IsDue(Watched& watched, TimePoint now) const {
  if (!watched.opened) return watched.reader->ready() || now >= patience_ends_;
  if (!is_sampled()) return watched.reader->HasChanged();
  if (!watched.sample_due) return false;
  if (!request_.suppress_redundant || watched.reader->HasChanged()) return true;
  watched.sample_due = false;
  return false;
}

bool ValueWatchStream::IsHeartbeatDue(const Watched& watched, TimePoint now) const {
  return watched.opened && has_heartbeats() &&
         now >= watched.last_sent + request_.heartbeat_interval;
}

bool ValueWatchStream::Wait() {
  if (!core_.hub.Wait(hub_version_, this)) return false;
  for (const Watched& watched : watched_) {
    // A sampled channel only costs its samples.
    if (watched.opened && is_sampled()) continue;
    if (!watched.reader->Wait()) return false;
  }
  return true;
}

void ValueWatchStream::ArmDeadline() {
  TimePoint deadline = TimePoint::max();
  for (const Watched& watched : watched_) {
    if (!watched.opened) deadline = std::min(deadline, patience_ends_);
    if (watched.opened && has_heartbeats()) {
      deadline = std::min(deadline, watched.last_sent + request_.heartbeat_interval);
    }
  }
  if (is_sampled()) deadline = std::min(deadline, next_sample_);
  if (deadline == TimePoint::max()) {
    ClearDeadline();
  } else {
    SetDeadline(deadline);
  }
}

void ValueWatchStream::Release() {
  core_.hub.Disarm(this);
  watched_.clear();  // disarms, and lets go of the channels
  ClearDeadline();
}

}  // namespace kchan::rpc
