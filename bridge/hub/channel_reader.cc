// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/channel_reader.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "bridge/hub/boottime.h"
#include "bridge/hub/concat.h"

namespace kchan::hub {
namespace {

// What one turn looks through at most while everything is withheld, so that the
// others have theirs.
constexpr size_t kMaxWalkedBytes = 1 << 20;
// Of one batch: each has its own small cost down to the socket.
constexpr size_t kMaxRuns = 4096;

size_t Runs(const LogBatch& batch) { return batch.slices.size() + batch.losses.size(); }

}  // namespace

absl::StatusOr<std::unique_ptr<ChannelReader>> ChannelReader::Open(
    Hub& hub, std::shared_ptr<Channel> channel, const Start& start, const ReaderOptions& options,
    int64_t clock_offset_ns, Waiter* waiter) {
  // The end first: what is published in between then counts as live.
  const std::optional<LogPosition> end = channel->log().Seek(StartNow{});
  const std::optional<LogPosition> position =
      std::holds_alternative<StartNow>(start) ? end : channel->log().Seek(start);
  if (!position) {
    return absl::FailedPreconditionError(
        Concat({"channel ", channel->name(), " has not reached this number yet"}));
  }
  return std::unique_ptr<ChannelReader>(new ChannelReader(hub, std::move(channel), *position, *end,
                                                          options, clock_offset_ns, waiter));
}

ChannelReader::ChannelReader(Hub& hub, std::shared_ptr<Channel> channel, const LogPosition& start,
                             const LogPosition& history_end, const ReaderOptions& options,
                             int64_t clock_offset_ns, Waiter* waiter)
    : channel_(std::move(channel)),
      waiter_(waiter),
      demand_(hub, channel_),
      history_end_(history_end),
      options_(options) {
  selection_.sample_every = std::max<uint32_t>(options.sample_every, 1);
  SetClockOffset(clock_offset_ns);
  if (options.blocks) hold_.emplace(channel_->log(), start);
  MoveTo(start);
  if (start.unknown_epoch) {
    const LogExtent extent = channel_->log().extent();
    next_epoch_ = extent.epoch;
    next_schema_id_ = extent.schema_id;
  }
}

ChannelReader::~ChannelReader() { channel_->log().Disarm(waiter_); }

void ChannelReader::SetClockOffset(int64_t offset_ns) {
  if (options_.since_utc_ns) selection_.since_ns = BoottimeOf(*options_.since_utc_ns, offset_ns);
  if (options_.until_utc_ns) selection_.until_ns = BoottimeOf(*options_.until_utc_ns, offset_ns);
}

void ChannelReader::WalkTo(const LogPosition& position) {
  walked_ = position;
  if (hold_) hold_->MoveTo(position);
}

void ChannelReader::MoveTo(const LogPosition& position) {
  given_ = position;
  withheld_ = {};
  WalkTo(position);
  next_schema_id_ = position.schema_id;
  next_epoch_ = position.cursor.epoch;
  if (position.cursor.epoch == 0) return;
  if (given_epochs_.empty() || given_epochs_.back().run != position.run) {
    if (given_epochs_.size() == Log::kMaxEpochs) given_epochs_.erase(given_epochs_.begin());
    given_epochs_.push_back({.run = position.run});
  }
  given_epochs_.back().last = position.cursor;
}

LogBatch ChannelReader::Peek(size_t max_bytes, const RecordQuota& quota) {
  LogBatch batch = withheld_;
  const bool is_to_be_told = Walk(max_bytes, quota, batch) || tell_withheld_ || is_removed_;
  const bool ends_history = !told_history_end_ && !IsInHistory(peeked_);
  const bool is_withheld = batch.slices.empty() && !batch.loss && batch.covers_numbers();
  if (is_withheld && !is_to_be_told && !ends_history && Runs(batch) < kMaxRuns) {
    withheld_ = std::move(batch);
    WalkTo(peeked_);
    return {};
  }
  if (!batch.empty()) {
    next_epoch_ = batch.epoch;
    next_schema_id_ = batch.schema_id;
  } else if (peeked_the_last_) {
    is_done_ = true;
  } else if (peeked_.run != given_.run) {
    // Into a new epoch that has nothing yet.
    MoveTo(peeked_);
  }
  return batch;
}

// Adds to `batch` what the selection takes of what comes next. Returns whether
// the batch cannot go on.
bool ChannelReader::Walk(size_t max_bytes, const RecordQuota& quota, LogBatch& batch) {
  peeked_ = walked_;
  peeked_the_last_ = is_done_;
  peeked_records_ = 0;
  is_at_end_ = false;
  const bool takes_all = selection_.takes_all() && quota.rate == UINT64_MAX;
  RunSelector selector(selection_, quota, batch);
  for (size_t walked_bytes = 0; !peeked_the_last_;) {
    if (options_.ends_with_history && !IsInHistory(peeked_)) {
      peeked_the_last_ = true;
      break;
    }
    LogPosition behind = peeked_;
    const LogBatch found = Read(behind, max_bytes - std::min(max_bytes, batch.body_bytes));
    is_at_end_ = found.empty();
    const bool is_next_epoch = is_at_end_ && behind.run != peeked_.run;
    if (is_next_epoch && !batch.covers_numbers()) peeked_ = behind;
    if (is_at_end_) return is_next_epoch;
    if (batch.covers_numbers() && !Continues(batch, found, behind)) return true;
    if (!batch.slices.empty() && batch.body_bytes + found.body_bytes > max_bytes) break;

    peeked_the_last_ = !selector.Add(found, LastWanted(behind));
    peeked_records_ = selector.records();
    peeked_ = behind;
    peeked_.cursor.sequence = std::min(peeked_.cursor.sequence, batch.last_sequence);
    walked_bytes += found.body_bytes;
    if (takes_all || batch.body_bytes >= max_bytes / 2) break;
    if (Runs(batch) >= kMaxRuns || walked_bytes >= kMaxWalkedBytes) break;
  }
  is_at_end_ = is_at_end_ || peeked_the_last_;
  return peeked_the_last_;
}

bool ChannelReader::Continues(const LogBatch& batch, const LogBatch& found,
                              const LogPosition& behind) const {
  return !found.loss && found.epoch == batch.epoch && found.schema_id == batch.schema_id &&
         behind.run == peeked_.run;
}

LogBatch ChannelReader::Read(LogPosition& position, size_t max_bytes) {
  const Log& log = channel_->log();
  LogBatch found = log.Read(position, max_bytes);
  const bool is_overtaken = found.loss && found.loss->stage == LossStage::kLogEviction;
  if (is_overtaken && options_.skips_to_newest) skip_to_ = log.Seek(StartNow{});
  if (skip_to_ && !found.empty()) SkipToNewest(found, position);
  return found;
}

// Puts a loss in place of what was found before skip_to_.
void ChannelReader::SkipToNewest(LogBatch& found, LogPosition& position) {
  LogPosition skipped = position;
  if (!found.slices.empty()) skipped.cursor.sequence = FirstElement(found) - 1;
  const std::optional<Loss> loss =
      channel_->log().SkipTo(*skip_to_, LossStage::kSubscriberPolicy, skipped);
  if (loss) {
    found.slices.clear();
    found.body_bytes = 0;
    found.first_sequence =
        found.loss && found.loss->count != 0 ? found.loss->first_sequence : loss->first_sequence;
    found.last_sequence = skipped.cursor.sequence;
    if (found.loss) {
      found.losses = {{.slice = 0, .loss = *loss}};
    } else {
      found.loss = loss;
    }
    position = skipped;
  }
}

bool ChannelReader::HasSkipped() const {
  if (given_.run != skip_to_->run) return given_.run > skip_to_->run;
  return given_.cursor.sequence >= skip_to_->cursor.sequence;
}

// The last number to be given of the epoch in which `position` is.
uint64_t ChannelReader::LastWanted(const LogPosition& position) const {
  const bool is_last_epoch = position.run == history_end_.run;
  return options_.ends_with_history && is_last_epoch ? history_end_.cursor.sequence : UINT64_MAX;
}

bool ChannelReader::TellWithheld() {
  tell_withheld_ = withheld_.covers_numbers();
  return tell_withheld_;
}

void ChannelReader::Accept(const LogBatch& batch, bool keep_account) {
  MoveTo(peeked_);
  is_done_ = peeked_the_last_;
  if (is_done_) hold_.reset();
  tell_withheld_ = false;
  if (skip_to_ && HasSkipped()) skip_to_.reset();
  if (!keep_account || batch.body_bytes == 0) return;
  sent_.push_back(
      {.run = given_.run, .last_sequence = batch.last_sequence, .bytes = batch.body_bytes});
  unacknowledged_bytes_ += batch.body_bytes;
}

ChannelUpdateOut ChannelReader::Describe() const {
  ChannelUpdateOut now{
      .channel = channel_->name(), .epoch = next_epoch_, .schema_id = next_schema_id_};
  if (is_removed_) {
    now.state = ChannelState::kEnded;
    now.reason = "the channel was removed, with its history";
  } else {
    ChannelSnapshot snapshot = channel_->snapshot();
    now.state = snapshot.state;
    now.reason = std::move(snapshot.reason);
  }
  return now;
}

bool ChannelReader::IsInHistory(const LogPosition& position) const {
  if (position.run != history_end_.run) return position.run < history_end_.run;
  return position.cursor.sequence < history_end_.cursor.sequence;
}

bool ChannelReader::HasNews() const {
  return !told_ || told_->epoch != next_epoch_ || told_->schema_id != next_schema_id_ ||
         (!told_history_end_ && !IsInHistory(given_));
}

std::optional<SubscriptionOutput> ChannelReader::News() {
  ChannelUpdateOut now = Describe();
  if (!told_ || *told_ != now) {
    told_ = now;
    return SubscriptionOutput(std::move(now));
  }
  if (told_history_end_ || IsInHistory(given_)) return std::nullopt;
  told_history_end_ = true;
  return HistoryEndOut{.channel = channel_->name(), .cursor = history_end_.cursor};
}

absl::StatusOr<uint64_t> ChannelReader::Acknowledge(const Cursor& cursor) {
  const auto given =
      std::find_if(given_epochs_.rbegin(), given_epochs_.rend(),
                   [&](const GivenEpoch& each) { return each.last.epoch == cursor.epoch; });
  if (given == given_epochs_.rend()) {
    return absl::InvalidArgumentError(Concat({"channel ", channel_->name(), ": nothing of epoch ",
                                              std::to_string(cursor.epoch), " was sent"}));
  }
  if (cursor.sequence > given->last.sequence) {
    return absl::InvalidArgumentError(
        Concat({"channel ", channel_->name(), ": number ", std::to_string(cursor.sequence),
                " was not sent; the last is ", std::to_string(given->last.sequence)}));
  }
  uint64_t freed = 0;
  while (!sent_.empty() &&
         (sent_.front().run < given->run ||
          (sent_.front().run == given->run && sent_.front().last_sequence <= cursor.sequence))) {
    freed += sent_.front().bytes;
    sent_.pop_front();
  }
  unacknowledged_bytes_ -= freed;
  return freed;
}

}  // namespace kchan::hub
