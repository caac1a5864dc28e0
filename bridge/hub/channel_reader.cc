// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/channel_reader.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "bridge/text/concat.h"

namespace kchan::hub {

absl::StatusOr<std::unique_ptr<ChannelReader>> ChannelReader::Open(
    Hub& hub, std::shared_ptr<Channel> channel, const Start& start, const ReaderOptions& options,
    int64_t clock_offset_ns, Waiter* waiter) {
  // The end first: what is published in between then counts as live.
  const LogPosition end = channel->log().End();
  const std::optional<LogPosition> position = channel->log().Seek(start);
  if (!position) {
    return absl::FailedPreconditionError(
        text::Concat("channel ", channel->name(), " has not reached this number yet"));
  }
  const bool is_live = std::holds_alternative<StartNow>(start);
  return std::unique_ptr<ChannelReader>(new ChannelReader(hub, std::move(channel), *position,
                                                          is_live ? *position : end, options,
                                                          clock_offset_ns, waiter));
}

ChannelReader::ChannelReader(Hub& hub, std::shared_ptr<Channel> channel, const LogPosition& start,
                             const LogPosition& history_end, const ReaderOptions& options,
                             int64_t clock_offset_ns, Waiter* waiter)
    : channel_(std::move(channel)),
      waiter_(waiter),
      demand_(hub, channel_),
      patience_(channel_->log().patience(), options.source_delay),
      progress_(*channel_),
      history_end_(history_end),
      reader_(*channel_, start, history_end, options, clock_offset_ns) {
  MoveTo(start);
  progress_.Set(start);
  if (start.unknown_epoch) {
    const LogExtent extent = channel_->log().extent();
    next_epoch_ = extent.epoch;
    next_schema_id_ = reader_.GivenSchemaId(extent.schema_id);
  }
}

ChannelReader::~ChannelReader() { channel_->log().Disarm(waiter_); }

void ChannelReader::MoveTo(const LogPosition& position) {
  given_ = position;
  next_schema_id_ = reader_.GivenSchemaId(position.schema_id);
  next_epoch_ = position.cursor.epoch;
  if (position.cursor.epoch == 0) return;
  if (given_epochs_.empty() || given_epochs_.back().run != position.run) {
    if (given_epochs_.size() == Log::kMaxHistoryEpochs) given_epochs_.erase(given_epochs_.begin());
    given_epochs_.push_back({.run = position.run});
  }
  given_epochs_.back().last = position.cursor;
}

LogBatch ChannelReader::Peek(const BatchBounds& bounds) {
  Tell tell = told_history_end_ ? Tell::kWithTheNext : Tell::kAtHistoryEnd;
  if (tell_withheld_ || is_removed_) tell = Tell::kAtOnce;
  peeked_ = given_;
  LogBatch batch = reader_.Peek(bounds, tell, peeked_);
  progress_.Set(reader_.reached());
  if (!batch.empty()) {
    next_epoch_ = batch.epoch;
    next_schema_id_ = batch.schema_id;
  } else if (peeked_.run != given_.run || peeked_.after_history != given_.after_history) {
    // Into a new epoch that has nothing yet, or behind the history of one.
    MoveTo(peeked_);
  }
  return batch;
}

void ChannelReader::Accept(const LogBatch& batch, bool keep_account) {
  MoveTo(peeked_);
  reader_.Accept(peeked_);
  progress_.Set(reader_.reached());
  tell_withheld_ = false;
  channel_->deliveries().Given(batch);
  if (!keep_account || batch.body_bytes == 0) return;
  sent_.push_back(
      {.run = given_.run, .last_sequence = batch.last_sequence, .bytes = batch.body_bytes});
  unacknowledged_bytes_ += batch.body_bytes;
}

ChannelUpdateOut ChannelReader::Describe() const {
  ChannelUpdateOut now{.channel = channel_->name(),
                       .epoch = next_epoch_,
                       .schema_id = next_schema_id_,
                       .missing_fields = reader_.missing_fields()};
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

bool ChannelReader::HasNews() const {
  return !told_ || told_->epoch != next_epoch_ || told_->schema_id != next_schema_id_ ||
         (!told_history_end_ && !IsInHistory());
}

std::optional<SubscriptionOutput> ChannelReader::News() {
  ChannelUpdateOut now = Describe();
  if (!told_ || *told_ != now) {
    told_ = now;
    return SubscriptionOutput(std::move(now));
  }
  if (told_history_end_ || IsInHistory()) return std::nullopt;
  told_history_end_ = true;
  return HistoryEndOut{.channel = channel_->name(), .cursor = history_end_.cursor};
}

absl::StatusOr<uint64_t> ChannelReader::Acknowledge(const Cursor& cursor) {
  const auto given =
      std::find_if(given_epochs_.rbegin(), given_epochs_.rend(),
                   [&](const GivenEpoch& each) { return each.last.epoch == cursor.epoch; });
  if (given == given_epochs_.rend()) {
    return absl::InvalidArgumentError(text::Concat(
        "channel ", channel_->name(), ": nothing of epoch ", cursor.epoch, " was sent"));
  }
  if (cursor.sequence > given->last.sequence) {
    return absl::InvalidArgumentError(text::Concat("channel ", channel_->name(), ": number ",
                                                   cursor.sequence, " was not sent; the last is ",
                                                   given->last.sequence));
  }
  uint64_t freed = 0;
  while (!sent_.empty() &&
         (sent_.front().run < given->run ||
          (sent_.front().run == given->run && sent_.front().last_sequence <= cursor.sequence))) {
    freed += sent_.front().bytes;
    sent_.pop_front();
  }
  unacknowledged_bytes_ -= freed;
  channel_->deliveries().Acknowledged(freed);
  return freed;
}

}  // namespace kchan::hub
