// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_VALUE_FEED_H_
#define KCHAN_BRIDGE_HUB_VALUE_FEED_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "bridge/hub/waiter.h"

namespace kchan::hub {

// What a word holds; the kinds of kchan.v1.Value.
using Value = std::variant<uint64_t, int64_t, std::string>;

struct Word {
  std::string name;
  Value value;

  friend bool operator==(const Word&, const Word&) = default;
};

// All words of a channel at one moment; kchan.v1.Values documents each part.
// `version` counts changes one by one, whatever the kernel side counts in.
struct ValueSnapshot {
  uint64_t version = 0;
  uint64_t boottime_ns = 0;
  std::vector<Word> words = {};
  uint64_t generation = 0;  // versions of two cannot be compared
};

// The latest values of one channel: what a log is to records, but only the
// newest counts, and a reader that is late sees by the version how many it
// never saw.
//
// Thread safety: any thread.
class ValueFeed {
 public:
  // What a reader finds. `number` grows with every Set() and Clear().
  struct Latest {
    std::shared_ptr<const ValueSnapshot> snapshot;  // null: never had any
    bool stale = true;                              // nobody feeds it now
    uint64_t number = 0;
  };

  // The source's side.
  void Set(std::shared_ptr<const ValueSnapshot> snapshot);
  // Nothing more comes for now; the last snapshot stays, stale.
  void Clear();

  Latest latest() const;

  // Arms `waiter` to be notified once when `number` passes `seen`. Returns
  // false, and does not arm, if it has already.
  bool Wait(uint64_t seen, Waiter* waiter) const;
  // After this returns `waiter` is not called any more.
  void Disarm(Waiter* waiter) const;

 private:
  mutable std::mutex mutex_;
  Latest latest_;
  mutable WaiterList waiters_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_VALUE_FEED_H_
