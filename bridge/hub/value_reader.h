// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_VALUE_READER_H_
#define KCHAN_BRIDGE_HUB_VALUE_READER_H_

#include <cstdint>
#include <memory>

#include "bridge/hub/channel.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/value_feed.h"
#include "bridge/hub/waiter.h"

namespace kchan::hub {

// What one reader is given of a channel's values.
struct ValueUpdate {
  std::shared_ptr<const ValueSnapshot> snapshot;  // null: never had any
  uint64_t duplicates = 0;                        // changes before this one, not given
  bool stale = false;                             // the kernel side is gone
  bool changed = false;                           // not what was given last
};

// How many changes lie between two snapshots, without the later one itself. Of
// a new generation all up to there count; what the old one had is not known.
uint64_t ChangesBetween(const ValueSnapshot& before, const ValueSnapshot& after);

// One reader's place in one channel of values. However late it comes, it is
// given what is current, and how many changes it was not given.
//
// Keeps the channel wanted.
//
// Thread safety: none; its owner calls it from one thread at a time. The
// waiter is notified from any thread.
//
// Lifetime: the hub and the waiter outlive it. The destructor disarms.
class ValueReader {
 public:
  ValueReader(Hub& hub, std::shared_ptr<Channel> channel, Waiter* waiter);
  ~ValueReader();
  ValueReader(const ValueReader&) = delete;
  ValueReader& operator=(const ValueReader&) = delete;

  const std::shared_ptr<Channel>& channel() const { return channel_; }

  // Whether there is something to begin with: fresh values, or the certainty
  // that none will come for now.
  bool ready() const;
  // Whether Take() would give something else than it did.
  bool HasChanged() const;
  // What is current.
  ValueUpdate Take();

  // Arms the waiter for when the feed goes on from where it was at the last look
  // (ready(), HasChanged() or Take()); false if it has already. A change of the
  // channel's state is told by the hub's version.
  bool Wait();

  // Goes on with the channel that has taken the place of a removed one.
  void Replace(std::shared_ptr<Channel> channel);

 private:
  bool Differs(const ValueFeed::Latest& latest) const;

  Hub& hub_;
  Waiter* const waiter_;
  std::shared_ptr<Channel> channel_;
  std::unique_ptr<ChannelDemand> demand_;
  mutable uint64_t seen_ = 0;  // of the feed
  bool given_any_ = false;
  bool given_stale_ = false;
  std::shared_ptr<const ValueSnapshot> given_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_VALUE_READER_H_
