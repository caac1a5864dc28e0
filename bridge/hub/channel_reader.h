// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_CHANNEL_READER_H_
#define KCHAN_BRIDGE_HUB_CHANNEL_READER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/hub/channel.h"
#include "bridge/hub/log.h"
#include "bridge/hub/subscription.h"
#include "bridge/hub/waiter.h"

namespace kchan::hub {

// One subscription's place in one channel: what was read, what was given out,
// what was said about the channel, what was acknowledged. Keeps the channel
// wanted.
//
// Thread safety: none; a part of its subscription.
//
// Lifetime: the hub and the waiter outlive it. The destructor disarms.
class ChannelReader {
 public:
  // Starts at `start`. FAILED_PRECONDITION: that is a cursor which the channel
  // has not reached.
  static absl::StatusOr<std::unique_ptr<ChannelReader>> Open(Hub& hub,
                                                             std::shared_ptr<Channel> channel,
                                                             const Start& start, Waiter* waiter);
  ~ChannelReader();
  ChannelReader(const ChannelReader&) = delete;
  ChannelReader& operator=(const ChannelReader&) = delete;

  const std::shared_ptr<Channel>& channel() const { return channel_; }

  // What has to be said before anything else: that the channel is, or became,
  // something else; that its history ends here.
  std::optional<SubscriptionOutput> News();
  // Whether there is such, but for a change of the channel's state, which the
  // hub's version tells.
  bool HasNews() const;

  // Reads what comes next, at most about max_bytes, and stays where it is: the
  // batch is given out by Accept(), which comes at once, or not at all, so that
  // a reader holds no memory while it waits. Empty: nothing new.
  LogBatch Peek(size_t max_bytes);
  // `keep_account`: an acknowledgement is expected.
  void Accept(const LogBatch& batch, bool keep_account);

  // Arms the waiter; false if there is something to read already.
  bool Wait() { return channel_->log().Wait(given_, waiter_); }

  // Returns how many bytes this frees. INVALID_ARGUMENT: not given out.
  absl::StatusOr<uint64_t> Acknowledge(const Cursor& cursor);

  // Everything up to here was given out. Epoch 0: it has no place yet.
  const Cursor& cursor() const { return given_.cursor; }
  uint64_t unacknowledged_bytes() const { return unacknowledged_bytes_; }

  // Whether the hub has forgotten the channel; what is in its log still comes.
  bool is_removed() const { return is_removed_; }
  void MarkRemoved() { is_removed_ = true; }

  // What it may take before others have their turn; may be overdrawn.
  int64_t credit_bytes = 0;

 private:
  // An epoch that was given out, up to where. Told apart by the log's run,
  // since an epoch may come back.
  struct GivenEpoch {
    uint64_t run = 0;
    Cursor last = {};
  };
  struct SentBatch {
    uint64_t run = 0;
    uint64_t last_sequence = 0;
    uint64_t bytes = 0;
  };

  ChannelReader(Hub& hub, std::shared_ptr<Channel> channel, const LogPosition& start,
                const LogPosition& history_end, Waiter* waiter);

  void MoveTo(const LogPosition& position);
  bool IsInHistory() const;
  ChannelUpdateOut Describe() const;

  const std::shared_ptr<Channel> channel_;
  Waiter* const waiter_;
  const ChannelDemand demand_;
  const LogPosition history_end_;  // the log's end when this was opened
  bool told_history_end_ = false;
  bool is_removed_ = false;

  LogPosition given_;        // behind what was given out
  LogPosition peeked_;       // behind what Peek() returned
  uint64_t next_epoch_ = 0;  // of what follows, as far as known
  uint64_t next_schema_id_ = 0;
  std::optional<ChannelUpdateOut> told_;

  std::vector<GivenEpoch> given_epochs_;  // at most Log::kMaxHistoryEpochs
  std::deque<SentBatch> sent_;            // not acknowledged; only with bytes
  uint64_t unacknowledged_bytes_ = 0;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_CHANNEL_READER_H_
