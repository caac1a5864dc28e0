// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_CHUNK_LOADER_H_
#define KCHAN_BRIDGE_SPOOL_CHUNK_LOADER_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "bridge/hub/history.h"
#include "bridge/hub/segment.h"
#include "bridge/hub/waiter.h"

namespace kchan::spool {

// Where chunks come from.
class ChunkSource {
 public:
  struct Loaded {
    hub::HistoryAnswer answer;                      // kPending: nothing to keep, ask again
    std::shared_ptr<hub::Segment> chunk = nullptr;  // of a kChunk
    bool retry_later = false;                       // there was no descriptor, no memory
  };

  virtual ~ChunkSource() = default;
  // On the loader's thread, which may wait for the disk.
  virtual Loaded Load(const hub::HistoryQuery& query) = 0;
};

// The thread that reads the disk for subscriptions, and what it has read, within
// a bound. Readers of the same place share it.
//
// What nobody has taken yet is kept for a moment even where others wait for
// room: or two readers could drop each other's chunks for ever. What was dropped
// while a connection still sends it counts as pinned, as a log's segments do.
//
// Thread safety: any thread. Lifetime: Stop() before sources go.
class ChunkLoader {
 public:
  static constexpr size_t kChunkBytes = 256 << 10;

  explicit ChunkLoader(size_t max_bytes);
  ~ChunkLoader() { Stop(); }
  ChunkLoader(const ChunkLoader&) = delete;
  ChunkLoader& operator=(const ChunkLoader&) = delete;

  // Waiters are not notified any more.
  void Stop();

  // What was loaded for `query`; nothing: Request() it.
  std::optional<hub::HistoryAnswer> Take(const ChunkSource& source, const hub::HistoryQuery& query);
  // False, and not armed: it is there now.
  bool Request(const std::shared_ptr<ChunkSource>& source, const hub::HistoryQuery& query,
               hub::Waiter* waiter);
  void Disarm(hub::Waiter* waiter);

 private:
  using Clock = std::chrono::steady_clock;

  struct Wish {
    std::shared_ptr<ChunkSource> source;
    hub::HistoryQuery query;
    std::vector<hub::Waiter*> waiters;
  };
  struct Kept {
    const ChunkSource* source = nullptr;
    hub::HistoryQuery query;
    ChunkSource::Loaded loaded;
    Clock::time_point since;
    bool is_taken = false;

    size_t bytes() const;
    bool Answers(const ChunkSource& of, const hub::HistoryQuery& asked) const;
  };

  void Loop();
  void LoadFirst(std::unique_lock<std::mutex>& lock);
  // Drops what may go; false: nothing may, before `until`.
  bool MakeRoom(Clock::time_point& until);
  void Drop(std::deque<Kept>::iterator kept);
  Kept* Find(const ChunkSource& source, const hub::HistoryQuery& query);

  const size_t max_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Wish> wishes_;
  std::optional<Wish> loading_;
  std::deque<Kept> kept_;  // oldest first
  size_t kept_bytes_ = 0;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_CHUNK_LOADER_H_
