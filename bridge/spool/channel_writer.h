// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_CHANNEL_WRITER_H_
#define KCHAN_BRIDGE_SPOOL_CHANNEL_WRITER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "bridge/hub/channel.h"
#include "bridge/hub/log.h"
#include "bridge/hub/waiter.h"
#include "bridge/spool/channel_files.h"
#include "bridge/spool/channel_spool.h"
#include "bridge/spool/options.h"

namespace kchan::spool {

// Follows one channel's log, as one more of its readers, and writes what comes to
// the channel's files. Where the log's eviction
// overtakes it, because the disk is slow or full, it writes that loss in its
// place and goes on.
//
// Thread safety: the spooler's thread only, but Notify().
//
// Lifetime: the root outlives it. Stop() before the end.
class ChannelWriter final : public hub::Waiter {
 public:
  using Clock = std::chrono::steady_clock;

  // `on_ready`: Notify() was called. `is_recovered`: the folder was read when
  // the daemon started.
  ChannelWriter(SpoolRoot& root, std::shared_ptr<ChannelSpool> spool,
                std::shared_ptr<hub::Channel> channel, const SpoolLimits& limits, bool is_recovered,
                std::function<void(ChannelWriter*)> on_ready);
  ~ChannelWriter() override;

  void Notify() override { on_ready_(this); }

  // There is something to read.
  void Ready(Clock::time_point now);
  // Does what is due. May take a while; not for ever.
  void Run(Clock::time_point now);
  // When Run() is due next; nothing: only when it is ready.
  std::optional<Clock::time_point> due() const;
  void SetLimits(const SpoolLimits& limits);
  // Writes what there is and ends the file. No Run() follows.
  void Stop();

  ChannelSpool& spool() { return *spool_; }
  const hub::Channel& channel() const { return *channel_; }

 private:
  bool WriteSome();
  int Write(const hub::LogBatch& batch, uint64_t last_sequence);
  std::vector<std::byte> LossOf(const hub::LogBatch& batch);
  void ScheduleAge();
  void Degrade(int error);
  void Recover();

  SpoolRoot& root_;
  const std::shared_ptr<ChannelSpool> spool_;
  const std::shared_ptr<hub::Channel> channel_;
  const std::function<void(ChannelWriter*)> on_ready_;
  ChannelFiles files_;

  hub::LogPosition position_;    // behind what is written
  int error_ = 0;                // why it is degraded
  const char* loss_cause_ = "";  // of what the log drops before it is written
  Clock::duration retry_delay_;
  Clock::time_point recovered_at_;
  std::optional<Clock::time_point> read_due_;
  std::optional<Clock::time_point> retry_due_;
  std::optional<Clock::time_point> sync_due_;
  std::optional<Clock::time_point> age_due_;
};

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_CHANNEL_WRITER_H_
