// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/watch_stream.h"

#include <utility>

#include "bridge/hub/hub.h"
#include "bridge/rpc/convert.h"

namespace kchan::rpc {

WatchStream::Reactor* WatchStream::Start(Core& core, Caller caller) {
  return Begin(std::make_shared<WatchStream>(core, std::move(caller)));
}

absl::Status WatchStream::CheckRights() {
  seen_version_ = 0;  // look again: other channels are this client's now
  return caller().CheckAny(security::Right::kRead);
}

void WatchStream::Turn() {
  if (queue_.empty()) Compare();
  if (!queue_.empty()) Write(&queue_.front());
}

void WatchStream::Compare() {
  while (queue_.empty()) {
    if (synced_ && core_.hub.Wait(seen_version_, this)) return;
    seen_version_ = core_.hub.version();  // before the look: what comes later is seen again
    CompareOnce();
  }
}

void WatchStream::CompareOnce() {
  std::map<std::string, Known> now;
  for (const std::shared_ptr<hub::Channel>& channel : core_.hub.List()) {
    if (!caller().May(security::Right::kRead, channel->name())) continue;
    Known known = Describe(*channel);
    const auto before = known_.find(channel->name());
    if (before == known_.end() || before->second != known) {
      *queue_.emplace_back().mutable_updated() = ToProto(*channel);
    }
    now.emplace(channel->name(), std::move(known));
  }
  for (const auto& [name, known] : known_) {
    if (!now.contains(name)) queue_.emplace_back().set_removed(name);
  }
  known_ = std::move(now);
  if (!std::exchange(synced_, true)) queue_.emplace_back().set_synced(true);
}

WatchStream::Known WatchStream::Describe(const hub::Channel& channel) {
  hub::ChannelSnapshot snapshot = channel.snapshot();
  return {std::move(snapshot.description), std::move(snapshot.schema), snapshot.state,
          std::move(snapshot.reason), channel.log().extent().epoch};
}

}  // namespace kchan::rpc
