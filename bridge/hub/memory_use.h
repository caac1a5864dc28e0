// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_MEMORY_USE_H_
#define KCHAN_BRIDGE_HUB_MEMORY_USE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "bridge/hub/waiter.h"

namespace kchan::hub {

class Log;

// The memory of all logs of a hub: what they hold, within max_log_bytes at any
// time, and what they have dropped but readers still pin. Shared by them;
// outlives their segments.
//
// Where logs together want more than there is, the one that could give most
// gives up its oldest segment. So a flood takes what other floods hold, and
// its own, but never the little that a quiet log has.
//
// Thread safety: any thread. Locks are taken in this order: logs_mutex_, one
// log's, mutex.
struct MemoryUse {
 public:
  explicit MemoryUse(uint64_t max_log_bytes = UINT64_MAX) : max_log_bytes_(max_log_bytes) {}

  using Count = std::atomic<uint64_t> MemoryUse::*;

  std::atomic<uint64_t> log_bytes{0};
  std::atomic<uint64_t> pinned_bytes{0};
  // What was read from histories, for readers to come: within bounds of its own,
  // so that reading what is old takes nothing from what is new.
  std::atomic<uint64_t> history_bytes{0};
  std::atomic<uint64_t> match_bytes{0};  // what filters have found in the logs

  // Told by MarkEvicted() each time pinned_bytes is beyond max_pinned_bytes.
  std::mutex mutex;  // guards the rest, and is held during Notify()
  uint64_t max_pinned_bytes = UINT64_MAX;
  Waiter* over_pinned = nullptr;

  // From Join() to Leave() a log may be asked to give up segments.
  void Join(Log* log);
  void Leave(Log* log);

  // Takes `bytes` of log_bytes for a segment, which gives them back. False:
  // no log has anything to give up but what it is writing.
  bool Reserve(size_t bytes);

 private:
  bool TryReserve(size_t bytes);
  bool EvictOne();

  const uint64_t max_log_bytes_;
  std::mutex logs_mutex_;
  std::vector<Log*> logs_;  // under logs_mutex_
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_MEMORY_USE_H_
