// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_SPOOL_H_
#define KCHAN_BRIDGE_SPOOL_SPOOL_H_

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bridge/hub/history.h"
#include "bridge/spool/channel_spool.h"
#include "bridge/spool/channel_writer.h"
#include "bridge/spool/chunk_loader.h"
#include "bridge/spool/options.h"

namespace kchan::spool {

// The node's history on disk: a folder with a folder of segment files for each
// channel. Two threads of its own, one that writes and one that reads; nobody
// else ever waits for the disk.
//
// Thread safety: any thread.
//
// Lifetime: outlives the hub's use of it; Stop() after the last source and the
// last subscription.
class Spool final : public hub::HistoryKeeper, private SpoolRoot {
 public:
  // Reads what is there, which takes milliseconds. Does not fail: a directory
  // that cannot be used is a problem, and tried again.
  static std::unique_ptr<Spool> Start(SpoolOptions options, std::shared_ptr<hub::MemoryUse> use);
  ~Spool() override;

  // Writes what channels' logs have, and ends both threads.
  void Stop();

  // options.limits_for may say something else now.
  void UpdateLimits();

  std::vector<hub::Problem> problems() const;
  // Channels whose records are there, whether or not they are kept now.
  std::vector<std::string> channels() const;

  // hub::HistoryKeeper.
  std::shared_ptr<hub::History> HistoryOf(std::string_view channel) override;
  void Follow(std::shared_ptr<hub::Channel> channel) override;
  void Leave(const std::shared_ptr<hub::Channel>& channel) override;

 private:
  using Clock = ChannelWriter::Clock;

  Spool(SpoolOptions options, std::shared_ptr<hub::MemoryUse> use);
  void RecoverAll();
  std::shared_ptr<ChannelSpool> AddChannel(std::string_view name);
  void TellProblems();

  // The writing thread's.
  void Loop();
  void TakeNews(std::set<ChannelWriter*>& ready);
  void Begin(const std::shared_ptr<hub::Channel>& channel);
  void End(const std::shared_ptr<hub::Channel>& channel, std::set<ChannelWriter*>& ready);
  void ApplyLimits();
  int Claim() override;
  int MakeRoom(uint64_t bytes) override;
  const SpoolOptions& options() const override { return options_; }

  SpoolOptions options_;
  const std::shared_ptr<Files> files_;
  const std::shared_ptr<hub::MemoryUse> use_;
  ChunkLoader loader_;
  OpenFile lock_;              // while the directory is ours; the writing thread's
  bool is_recovered_ = false;  // it was when this began

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<ChannelSpool>, std::less<>> channels_;
  std::set<std::string, std::less<>> given_out_;          // by HistoryOf()
  std::vector<std::shared_ptr<hub::Channel>> newcomers_;  // of Follow()
  std::vector<std::shared_ptr<hub::Channel>> leavers_;    // of Leave()
  std::set<ChannelWriter*> ready_;
  bool limits_changed_ = false;
  bool is_stopping_ = false;

  std::vector<std::unique_ptr<ChannelWriter>> writers_;  // the writing thread's
  std::thread thread_;
};

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_SPOOL_H_
