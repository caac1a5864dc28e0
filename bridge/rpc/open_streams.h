// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_OPEN_STREAMS_H_
#define KCHAN_BRIDGE_RPC_OPEN_STREAMS_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace kchan::rpc {

// A call that lasts until somebody ends it.
class Stream {
 public:
  virtual ~Stream() = default;

  // Asks it to end with `status`. Any thread; returns at once.
  virtual void EndSoon(const absl::Status& status) = 0;

  // There is another policy. Any thread; returns at once. Nothing to do for one
  // that asks its caller before each step anyway.
  virtual void PolicyChanged() {}
};

// The open streams of one kind: how many there may be, and how to end them.
//
// Thread safety: any thread.
class OpenStreams {
 public:
  // `kind` for messages: "subscriptions".
  OpenStreams(std::string kind, size_t max) : kind_(std::move(kind)), max_(max) {}

  // RESOURCE_EXHAUSTED if there are too many, UNAVAILABLE after EndAll().
  absl::Status Add(const std::shared_ptr<Stream>& stream);
  void Remove(const Stream* stream);

  // Asks all to end and lets no more in.
  void EndAll(const absl::Status& status);

  // Tells all that there is another policy.
  void TellPolicyChanged();

  // Waits until the last has ended, or until `deadline`.
  void AwaitEmpty(std::chrono::steady_clock::time_point deadline);

  size_t size() const;
  size_t max() const { return max_; }
  const std::string& kind() const { return kind_; }

 private:
  std::vector<std::shared_ptr<Stream>> OpenLocked() const;

  const std::string kind_;
  const size_t max_;
  mutable std::mutex mutex_;
  std::condition_variable emptied_;
  absl::Status closed_;  // why no more are let in
  std::map<const Stream*, std::weak_ptr<Stream>> streams_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_OPEN_STREAMS_H_
