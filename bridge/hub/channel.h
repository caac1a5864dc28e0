// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_CHANNEL_H_
#define KCHAN_BRIDGE_HUB_CHANNEL_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bridge/hub/channel_description.h"
#include "bridge/hub/delivery_counters.h"
#include "bridge/hub/log.h"
#include "bridge/hub/schema.h"
#include "bridge/hub/value_feed.h"

namespace kchan::hub {

class Hub;
class ReaderProgress;

// A channel's description and state at one moment.
struct ChannelSnapshot {
  std::shared_ptr<const ChannelDescription> description;
  std::shared_ptr<const Schema> schema;  // the current one; may be null
  ChannelState state = ChannelState::kIdle;
  std::string reason;  // why FAILED or ENDED, and what to do
};

// One channel of the hub: what it is, how it is, and its log; of a channel of
// values, instead, their feed. It outlives its kernel side, so that history is served and streams
// go on when that returns.
//
// Thread safety: any thread, except for the log's writing side.
//
// Lifetime: shared; the hub keeps it until Remove().
class Channel {
 public:
  Channel(Hub& hub, std::shared_ptr<const ChannelDescription> description, const LogLimits& limits,
          std::shared_ptr<MemoryUse> use, std::shared_ptr<History> history = nullptr);

  const std::string& name() const { return name_; }
  ChannelSnapshot snapshot() const;
  // Since when it has been ENDED; nothing if it is not.
  std::optional<std::chrono::steady_clock::time_point> ended_at() const;
  Log& log() { return log_; }
  const Log& log() const { return log_; }
  ValueFeed& values() { return values_; }
  const ValueFeed& values() const { return values_; }

  // The source's side: each notifies the hub's watchers if something changed.
  void SetDescription(std::shared_ptr<const ChannelDescription> description);
  void SetState(ChannelState state, std::string reason);
  // Makes `schema`, which has its id, the current one; comes before the epoch
  // that uses it. Older ones stay findable while the log may hold their
  // records.
  void SetSchema(std::shared_ptr<const Schema> schema);

  // Null if unknown; also one whose records are only in the log's history.
  std::shared_ptr<const Schema> FindSchema(uint64_t schema_id) const;

  // All that FindSchema() finds, the current one last.
  std::vector<std::shared_ptr<const Schema>> schemas() const;

  DeliveryCounters& deliveries() { return deliveries_; }
  const DeliveryCounters& deliveries() const { return deliveries_; }

  // How many subscriptions want records now.
  uint64_t readers() const { return readers_.load(std::memory_order_relaxed); }
  // How many numbers the reader furthest behind has not come to; 0 without any.
  uint64_t largest_lag() const;

 private:
  friend class ChannelDemand;
  friend class ReaderProgress;

  Hub& hub_;
  const std::string name_;
  Log log_;
  ValueFeed values_;
  DeliveryCounters deliveries_;
  std::atomic<uint64_t> readers_{0};
  mutable std::mutex progress_mutex_;
  std::vector<const ReaderProgress*> progress_;  // guarded by progress_mutex_
  mutable std::mutex mutex_;
  ChannelSnapshot snapshot_;
  std::optional<std::chrono::steady_clock::time_point> ended_at_;
  std::vector<std::shared_ptr<const Schema>> schemas_;  // newest last
};

// Keeps a channel wanted for as long as it lives: its source is turned on when
// the first comes, and may be turned off when the last is gone.
class ChannelDemand {
 public:
  ChannelDemand(Hub& hub, std::shared_ptr<Channel> channel);
  ~ChannelDemand();
  ChannelDemand(const ChannelDemand&) = delete;
  ChannelDemand& operator=(const ChannelDemand&) = delete;

 private:
  Hub& hub_;
  const std::shared_ptr<Channel> channel_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_CHANNEL_H_
