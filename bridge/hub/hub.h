// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_HUB_H_
#define KCHAN_BRIDGE_HUB_HUB_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/hub/channel.h"
#include "bridge/hub/filter.h"
#include "bridge/hub/history.h"
#include "bridge/hub/waiter.h"

namespace kchan::hub {

class KernelDoor;

// Same numbers as kchan.v1.KernelSide.
enum class KernelSideState : uint8_t {
  kUnspecified = 0,
  kReady = 1,
  kAbsent = 2,
  kAbiMismatch = 3,
  kQuiesced = 4,
  kFailed = 5,
};

// Something that is not as it should be, and what to do about it.
struct Problem {
  std::string subject;
  std::string description;
  std::string remedy;

  friend bool operator==(const Problem&, const Problem&) = default;
};

struct KernelSideStatus {
  KernelSideState state = KernelSideState::kUnspecified;
  std::string module_version = {};  // empty: not loaded
  std::string module_abi = {};      // "1.0"; empty: not loaded
  std::vector<Problem> problems = {};

  friend bool operator==(const KernelSideStatus&, const KernelSideStatus&) = default;
};

struct HubLimits {
  size_t max_channels = 1024;
  uint64_t max_log_bytes = 512ull << 20;    // held by all logs together
  uint64_t max_pinned_bytes = 64ull << 20;  // dropped, but held by slow readers
};

// The limits of a new channel's log, by its name.
using LogLimitsFor = std::function<LogLimits(std::string_view channel)>;

// All channels of the node.
//
// Thread safety: any thread.
//
// Lifetime: outlives its channels' users. SetDoor() before any subscription.
class Hub {
 public:
  Hub(const HubLimits& limits, LogLimitsFor log_limits);
  ~Hub();

  void SetDoor(KernelDoor* door);
  KernelDoor* door() const;
  // Before any channel. It outlives the hub's use of it: Upsert().
  void SetHistoryKeeper(HistoryKeeper* keeper);

  // Sources' side. Finds the channel of this name and gives it the new
  // description, or makes it; one that had records and now has none, or the
  // other way round, is another channel, in its place. Where max_channels is
  // reached, a new one takes the place of that which ended first and has no
  // reader; null if there is none such.
  std::shared_ptr<Channel> Upsert(std::shared_ptr<const ChannelDescription> description);
  // Forgets a channel with its history; subscriptions to it end.
  void Remove(std::string_view name);
  void SetKernelSide(KernelSideStatus status);
  // What is not as it should be in a part of the daemon itself: "spool".
  void SetOwnProblems(const std::string& part, std::vector<Problem> problems);
  // Asks again for the limits of each log; they may have changed.
  void UpdateLogLimits();

  // Null if there is none.
  std::shared_ptr<Channel> Find(std::string_view name) const;
  // In order of name.
  std::vector<std::shared_ptr<Channel>> List() const;
  // Whether a new channel has to take the place of one that has ended.
  bool is_full() const;
  KernelSideStatus kernel_side() const;
  // The kernel side's, and the daemon's own.
  std::vector<Problem> problems() const;
  const MemoryUse& memory() const { return *use_; }
  const std::shared_ptr<MemoryUse>& memory_use() const { return use_; }
  // Notified, again and again, while readers pin more than max_pinned_bytes.
  // After SetPinnedWaiter(nullptr) returns the old one is not called any more.
  void SetPinnedWaiter(Waiter* waiter);
  const HubLimits& limits() const { return limits_; }
  // The filters of all subscriptions.
  FilterSet& filters() { return filters_; }

  // Grows with every change of the set of channels, of a channel's
  // description, state or schema, or of the kernel side.
  uint64_t version() const;
  // Arms `waiter` to be notified once when version() passes `seen`. Returns
  // false, and does not arm, if it has already.
  bool Wait(uint64_t seen, Waiter* waiter) const;
  void Disarm(Waiter* waiter) const;

 private:
  friend class Channel;
  friend class ChannelDemand;

  // Null if no channel may go; else the caller destroys it without the lock.
  std::shared_ptr<Channel> TakeEndedLocked();
  // Of a channel that is not in channels_ any more. Without the lock.
  void LetGo(const std::shared_ptr<Channel>& channel) const;
  // Something changed: version() grows, waiters are notified.
  void Touch();
  void TouchLocked();

  const HubLimits limits_;
  const LogLimitsFor log_limits_;
  const std::shared_ptr<MemoryUse> use_;
  FilterSet filters_;
  mutable std::mutex mutex_;
  KernelDoor* door_ = nullptr;
  HistoryKeeper* keeper_ = nullptr;  // set once, before there is any channel
  uint64_t version_ = 1;
  std::map<std::string, std::shared_ptr<Channel>, std::less<>> channels_;
  KernelSideStatus kernel_side_;
  std::map<std::string, std::vector<Problem>> own_problems_;  // by part
  mutable WaiterList waiters_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_HUB_H_
