// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/open_streams.h"

#include "absl/strings/str_cat.h"
#include "bridge/rpc/status.h"

namespace kchan::rpc {

absl::Status OpenStreams::Add(const std::shared_ptr<Stream>& stream) {
  std::lock_guard lock(mutex_);
  if (!closed_.ok()) return closed_;
  if (streams_.size() >= max_) {
    return WithReason(
        absl::ResourceExhaustedError(absl::StrCat("this daemon serves at most ", max_, " ", kind_,
                                                  " at a time: end one, or raise limits.max_",
                                                  kind_, " in its configuration")),
        "TOO_MANY_STREAMS");
  }
  streams_.emplace(stream.get(), stream);
  return absl::OkStatus();
}

void OpenStreams::Remove(const Stream* stream) {
  std::lock_guard lock(mutex_);
  streams_.erase(stream);
  if (streams_.empty()) emptied_.notify_all();
}

void OpenStreams::EndAll(const absl::Status& status) {
  std::vector<std::shared_ptr<Stream>> open;
  {
    std::lock_guard lock(mutex_);
    closed_ = status;
    open = OpenLocked();
  }
  // Without the lock: ending may remove.
  for (const std::shared_ptr<Stream>& stream : open) stream->EndSoon(status);
}

void OpenStreams::TellPolicyChanged() {
  std::vector<std::shared_ptr<Stream>> open;
  {
    std::lock_guard lock(mutex_);
    open = OpenLocked();
  }
  for (const std::shared_ptr<Stream>& stream : open) stream->PolicyChanged();
}

std::vector<std::shared_ptr<Stream>> OpenStreams::OpenLocked() const {
  std::vector<std::shared_ptr<Stream>> open;
  for (const auto& [raw, weak] : streams_) {
    if (auto stream = weak.lock()) open.push_back(std::move(stream));
  }
  return open;
}

void OpenStreams::AwaitEmpty(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  emptied_.wait_until(lock, deadline, [this] { return streams_.empty(); });
}

size_t OpenStreams::size() const {
  std::lock_guard lock(mutex_);
  return streams_.size();
}

}  // namespace kchan::rpc
