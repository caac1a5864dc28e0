// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/watch_stream.h"

#include <utility>

#include "bridge/hub/hub.h"
#include "bridge/rpc/convert.h"
#include "bridge/rpc/status.h"

namespace kchan::rpc {

WatchStream::Reactor* WatchStream::Start(Core& core) {
  auto stream = std::make_shared<WatchStream>(core);
  stream->self_ = stream;
  if (absl::Status status = core.watches.Add(stream); !status.ok()) stream->EndSoon(status);
  stream->Notify();
  return stream.get();
}

void WatchStream::EndSoon(const absl::Status& status) {
  {
    std::lock_guard lock(end_mutex_);
    end_status_ = status;
  }
  Notify();
}

void WatchStream::OnWriteDone(bool ok) {
  (ok ? written_ : cancelled_) = true;
  Notify();
}

void WatchStream::OnCancel() {
  cancelled_ = true;
  Notify();
}

void WatchStream::OnDone() {
  core_.watches.Remove(this);
  const std::shared_ptr<WatchStream> self = std::move(self_);
}

void WatchStream::Run() {
  if (ended_) return;
  if (cancelled_) return End(absl::CancelledError("the client went away"));
  {
    std::unique_lock lock(end_mutex_);
    const absl::Status status = end_status_;
    lock.unlock();
    if (!status.ok()) return End(status);
  }
  if (written_.exchange(false)) {
    writing_ = false;
    queue_.pop_front();
  }
  if (writing_) return;
  if (queue_.empty()) Compare();
  if (queue_.empty()) return;
  writing_ = true;
  StartWrite(&queue_.front());
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

void WatchStream::End(const absl::Status& status) {
  ended_ = true;
  core_.hub.Disarm(this);
  Finish(ToGrpcStatus(status));  // OnDone() may come before this returns
}

}  // namespace kchan::rpc
