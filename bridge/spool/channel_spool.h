// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_CHANNEL_SPOOL_H_
#define KCHAN_BRIDGE_SPOOL_CHANNEL_SPOOL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bridge/hub/history.h"
#include "bridge/spool/catalog.h"
#include "bridge/spool/chunk_loader.h"
#include "bridge/spool/files.h"
#include "bridge/spool/options.h"
#include "bridge/spool/recovery.h"
#include "bridge/spool/segment_load.h"

namespace kchan::spool {

// One channel's files, for those who read them: its history. A ChannelWriter
// puts them there and takes them away, and tells this of it.
//
// Thread safety: any thread. Its mutex is never held during a disk access.
class ChannelSpool final : public hub::History,
                           public ChunkSource,
                           public std::enable_shared_from_this<ChannelSpool> {
 public:
  // `on_problem`: problems() has changed.
  ChannelSpool(std::string name, std::string folder, std::shared_ptr<Files> files,
               std::string boot_id, ChunkLoader& loader, std::shared_ptr<hub::MemoryUse> use,
               std::function<void()> on_problem);

  // What was found at the start; before everything else.
  void Recovered(RecoveredFolder folder);

  const std::string& name() const { return name_; }
  const std::string& folder() const { return folder_; }
  Files& files() { return *files_; }
  std::vector<hub::Problem> problems() const;

  // hub::History.
  std::vector<hub::HistoryEpoch> epochs() const override;
  std::optional<hub::Cursor> oldest() const override;
  std::optional<hub::Cursor> Since(int64_t utc_ns) const override;
  hub::HistoryExtent extent() const override;
  std::shared_ptr<const hub::Schema> FindSchema(uint64_t schema_id) const override;
  hub::HistoryAnswer Ask(const hub::HistoryQuery& query) override;
  bool Wait(const hub::HistoryQuery& query, hub::Waiter* waiter) override;
  void Disarm(hub::Waiter* waiter) override;

  // ChunkSource.
  Loaded Load(const hub::HistoryQuery& query) override;

  // The writer's side; one thread.
  //
  // Everything up to this place of the log is in the catalog, or lost.
  void Reached(uint64_t run, const hub::Cursor& cursor);
  // What the log drops now is lost, with this as its cause, a literal; or, with
  // an empty reason, no longer.
  void SetDegraded(const std::string& reason, const char* cause, const std::string& remedy);
  void SetMaxBytes(uint64_t max_bytes);
  // Nobody writes any more: another log may begin with what is there now.
  void Ended();
  void AddSchema(std::shared_ptr<const hub::Schema> schema);
  void RemoveSchema(uint64_t schema_id);
  void AddDamage(std::string damage);
  uint32_t TakeIndex();
  // Changes, or looks at, the catalog.
  template <typename Change>
  auto WithCatalog(Change change) {
    const std::lock_guard lock(mutex_);
    return change(catalog_);
  }

 private:
  hub::HistoryAnswer AskLocked(const hub::HistoryQuery& query);
  bool IsToCome(const hub::HistoryQuery& query) const;
  Loaded LoadPiece(const hub::HistoryQuery& query);
  Loaded LoadPlace(const hub::HistoryQuery& query);
  // Those that have records up to `before`, newest first.
  std::vector<SegmentView> FilesUpTo(const hub::Cursor& before);
  SegmentView ViewOf(const SegmentFile& file) const;
  // Whether the file has grown, got its last name or gone since `view` was taken.
  bool HasChanged(const SegmentView& view);
  void Learn(const SegmentView& view, const LoadedChunk& loaded, uint64_t sequence);

  const std::string name_;
  const std::string folder_;
  const std::shared_ptr<Files> files_;
  const std::string boot_id_;  // this one
  ChunkLoader& loader_;
  const std::shared_ptr<hub::MemoryUse> use_;
  const std::function<void()> on_problem_;

  mutable std::mutex mutex_;
  Catalog catalog_;
  std::map<uint64_t, std::shared_ptr<const hub::Schema>> schemas_;
  std::vector<hub::HistoryEpoch> first_epochs_;
  uint32_t next_index_ = 1;
  uint64_t max_bytes_ = 0;
  uint64_t reached_run_ = 0;
  hub::Cursor reached_;
  std::string reason_;  // why degraded; empty: is not
  std::string remedy_;
  const char* cause_ = "";
  std::vector<std::string> damages_;
  uint64_t more_damages_ = 0;         // than there is room for
  hub::WaiterList progress_waiters_;  // for Reached()
};

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_CHANNEL_SPOOL_H_
