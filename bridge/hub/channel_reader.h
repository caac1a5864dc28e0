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
#include "bridge/hub/patience.h"
#include "bridge/hub/reader_progress.h"
#include "bridge/hub/record_selection.h"
#include "bridge/hub/selected_reader.h"
#include "bridge/hub/subscription.h"
#include "bridge/hub/waiter.h"

namespace kchan::hub {

// One subscription's conversation about one channel: what was given out, what
// was said about the channel, what was acknowledged. Keeps the channel wanted.
//
// Thread safety: none; a part of its subscription.
//
// Lifetime: the hub and the waiter outlive it. The destructor disarms.
class ChannelReader {
 public:
  // Starts at `start`. FAILED_PRECONDITION: that is a cursor which the channel
  // has not reached.
  static absl::StatusOr<std::unique_ptr<ChannelReader>> Open(
      Hub& hub, std::shared_ptr<Channel> channel, const Start& start, const ReaderOptions& options,
      int64_t clock_offset_ns, Waiter* waiter);
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

  // Reads what comes next and stays where it is: the batch is given out by
  // Accept(), which comes at once, or not at all, so that a reader holds no memory
  // while it waits. Empty: nothing new, or nothing yet; see is_unfinished().
  LogBatch Peek(const BatchBounds& bounds);
  // Whether the last Peek() found nothing only because it looks at so much at a
  // time.
  bool is_unfinished() const { return reader_.is_unfinished(); }
  // How many records it returned; only where the selection or the quota looked.
  uint64_t peeked_records() const { return reader_.peeked_records(); }
  // `keep_account`: an acknowledgement is expected.
  void Accept(const LogBatch& batch, bool keep_account);

  // What was withheld comes with the next batch, even alone. False: nothing was.
  bool TellWithheld() {
    tell_withheld_ = reader_.has_withheld();
    return tell_withheld_;
  }
  // Nothing more will be given: the stop condition has come true here.
  bool is_done() const { return reader_.is_done(); }
  bool told_history_end() const { return told_history_end_; }
  void SetClockOffset(int64_t offset_ns) { reader_.SetClockOffset(offset_ns); }

  // What comes next is on its way from the disk.
  bool is_pending() const { return channel_->log().IsPending(reader_.reached()); }
  // Arms the waiter; false if there is something to read already.
  bool Wait() { return is_done() || channel_->log().Wait(reader_.reached(), waiter_); }

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
                const LogPosition& history_end, const ReaderOptions& options,
                int64_t clock_offset_ns, Waiter* waiter);

  void MoveTo(const LogPosition& position);
  bool IsInHistory() const { return !given_.HasReached(history_end_); }
  ChannelUpdateOut Describe() const;

  const std::shared_ptr<Channel> channel_;
  Waiter* const waiter_;
  const ChannelDemand demand_;
  const Patience::Share patience_;
  ReaderProgress progress_;
  const LogPosition history_end_;  // the log's end when this was opened
  bool told_history_end_ = false;
  bool is_removed_ = false;

  SelectedReader reader_;
  bool tell_withheld_ = false;

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
