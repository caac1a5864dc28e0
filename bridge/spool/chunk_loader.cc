// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/chunk_loader.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace kchan::spool {
namespace {

using Kind = hub::HistoryAnswer::Kind;

// How long what nobody has taken is kept against others' wishes.
constexpr std::chrono::milliseconds kFresh{100};
constexpr std::chrono::milliseconds kRetry{100};
constexpr size_t kPlaceBytes = 1 << 10;  // what a kPlace counts for

}  // namespace

size_t ChunkLoader::Kept::bytes() const {
  return loaded.chunk == nullptr ? kPlaceBytes : loaded.chunk->capacity();
}

bool ChunkLoader::Kept::Answers(const ChunkSource& of, const hub::HistoryQuery& asked) const {
  if (source != &of) return false;
  if (loaded.chunk == nullptr || asked.last_records != 0) return query == asked;
  return loaded.chunk->epoch() == asked.after.epoch &&
         loaded.chunk->first_sequence() <= asked.after.sequence + 1 &&
         asked.after.sequence < loaded.answer.last_sequence;
}

ChunkLoader::ChunkLoader(size_t max_bytes) : max_bytes_(std::max(max_bytes, kChunkBytes)) {
  thread_ = std::thread([this] { Loop(); });
  pthread_setname_np(thread_.native_handle(), "kchand-spool-rd");
}

void ChunkLoader::Stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    wishes_.clear();
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  while (!kept_.empty()) Drop(kept_.begin());
}

ChunkLoader::Kept* ChunkLoader::Find(const ChunkSource& source, const hub::HistoryQuery& query) {
  const auto found = std::find_if(kept_.begin(), kept_.end(),
                                  [&](const Kept& each) { return each.Answers(source, query); });
  return found == kept_.end() ? nullptr : &*found;
}

std::optional<hub::HistoryAnswer> ChunkLoader::Take(const ChunkSource& source,
                                                    const hub::HistoryQuery& query) {
  const std::lock_guard lock(mutex_);
  Kept* kept = Find(source, query);
  if (kept == nullptr) return std::nullopt;
  if (!std::exchange(kept->is_taken, true)) changed_.notify_all();
  return kept->loaded.answer;
}

bool ChunkLoader::Request(const std::shared_ptr<ChunkSource>& source,
                          const hub::HistoryQuery& query, hub::Waiter* waiter) {
  const std::lock_guard lock(mutex_);
  if (is_stopping_) return true;  // the waiter's stream is about to end
  if (Find(*source, query) != nullptr) return false;
  const auto is_same = [&](const Wish& each) {
    return each.source == source && each.query == query;
  };
  if (loading_ && is_same(*loading_)) {
    loading_->waiters.push_back(waiter);
    return true;
  }
  const auto same = std::find_if(wishes_.begin(), wishes_.end(), is_same);
  if (same != wishes_.end()) {
    if (std::find(same->waiters.begin(), same->waiters.end(), waiter) == same->waiters.end()) {
      same->waiters.push_back(waiter);
    }
    return true;
  }
  wishes_.push_back({.source = source, .query = query, .waiters = {waiter}});
  changed_.notify_all();
  return true;
}

void ChunkLoader::Disarm(hub::Waiter* waiter) {
  const std::lock_guard lock(mutex_);
  for (Wish& wish : wishes_) std::erase(wish.waiters, waiter);
  std::erase_if(wishes_, [](const Wish& wish) { return wish.waiters.empty(); });
  if (loading_) std::erase(loading_->waiters, waiter);
}

void ChunkLoader::Loop() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    Clock::time_point until;
    if (wishes_.empty()) {
      changed_.wait(lock);
    } else if (!MakeRoom(until)) {
      changed_.wait_until(lock, until);
    } else {
      LoadFirst(lock);
    }
  }
}

void ChunkLoader::LoadFirst(std::unique_lock<std::mutex>& lock) {
  loading_ = std::move(wishes_.front());
  wishes_.pop_front();
  const std::shared_ptr<ChunkSource> source = loading_->source;
  const hub::HistoryQuery query = loading_->query;
  lock.unlock();
  ChunkSource::Loaded loaded = source->Load(query);
  lock.lock();
  Wish wish = *std::move(loading_);
  loading_.reset();
  if (is_stopping_) return;
  if (loaded.retry_later) {
    if (!wish.waiters.empty()) wishes_.push_back(std::move(wish));
    changed_.wait_for(lock, kRetry, [this] { return is_stopping_; });
    return;
  }
  if (loaded.answer.kind != Kind::kPending) {
    kept_.push_back({.source = source.get(),
                     .query = query,
                     .loaded = std::move(loaded),
                     .since = Clock::now()});
    kept_bytes_ += kept_.back().bytes();
  }
  for (hub::Waiter* waiter : wish.waiters) waiter->Notify();
}

bool ChunkLoader::MakeRoom(Clock::time_point& until) {
  while (kept_bytes_ + kChunkBytes > max_bytes_ && !kept_.empty()) {
    const Clock::time_point now = Clock::now();
    const auto may_go = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& each) {
      return each.is_taken || now - each.since >= kFresh;
    });
    if (may_go == kept_.end()) {
      until = kept_.front().since + kFresh;
      return false;
    }
    Drop(may_go);
  }
  return true;
}

void ChunkLoader::Drop(std::deque<Kept>::iterator kept) {
  kept_bytes_ -= kept->bytes();
  kept->loaded.answer.chunk.reset();
  // Only here is it given out, under the mutex: nobody can join meanwhile.
  std::shared_ptr<hub::Segment>& chunk = kept->loaded.chunk;
  if (chunk != nullptr && chunk.use_count() > 1) chunk->MarkEvicted();
  kept_.erase(kept);
}

}  // namespace kchan::spool
