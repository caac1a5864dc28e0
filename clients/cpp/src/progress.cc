// SPDX-License-Identifier: Apache-2.0
#include "progress.h"

#include <fnmatch.h>

#include "concat.h"

namespace kchan {
namespace {

// A daemon has far fewer; one that invents names must not fill our memory.
constexpr size_t kMaxChannels = 10'000;

constexpr std::string_view kResumeCause = "no longer in the log when the stream resumed";

v1::Cursor MakeCursor(std::string_view channel, uint64_t epoch, uint64_t sequence) {
  v1::Cursor cursor;
  cursor.set_channel(std::string(channel));
  cursor.set_epoch(epoch);
  cursor.set_sequence(sequence);
  return cursor;
}

}  // namespace

bool Progress::SelectedByName(std::string_view channel) const {
  for (const v1::Selection& selection : open_.selections()) {
    if (selection.has_name() && selection.name() == channel) return true;
  }
  return false;
}

// How the channel was selected: by the first selection that matches it.
const v1::Start* Progress::StartOf(const std::string& channel) const {
  for (const v1::Selection& selection : open_.selections()) {
    const bool matches = selection.has_name() ? selection.name() == channel
                                              : fnmatch(selection.glob().c_str(), channel.c_str(),
                                                        FNM_NOESCAPE) == 0;
    if (matches) return &selection.start();
  }
  return nullptr;
}

bool Progress::complete() const {
  return open_.stop().records() != 0 && records_ >= open_.stop().records();
}

// Each known channel resumes at its cursor: one that was selected by name by
// its name, so that its absence is an error; one that a glob found by itself as
// a glob, so that it may be gone. A channel that is not known yet appeared, or
// came to life, while nobody looked: all of it is new.
v1::SubscribeRequest::Open Progress::NextOpen() {
  if (!begun_) return open_;
  v1::SubscribeRequest::Open next = open_;
  next.clear_selections();
  if (open_.stop().records() != 0) {
    next.mutable_stop()->set_records(open_.stop().records() - records_);
  }
  for (auto& [channel, place] : places_) {
    place.resuming = true;
    place.delivered = false;
    place.stream_epoch = place.epoch;
    place.stream_sequence = place.sequence;
    v1::Selection& selection = *next.add_selections();
    if (SelectedByName(channel)) {
      selection.set_name(channel);
    } else {
      selection.set_glob(channel);
    }
    const v1::Start* start = StartOf(channel);
    if (start != nullptr && start->has_since()) {
      *selection.mutable_start()->mutable_since() = start->since();
    }
    *selection.mutable_start()->mutable_cursor() = MakeCursor(channel, place.epoch, place.sequence);
  }
  for (const v1::Selection& selection : open_.selections()) {
    if (selection.has_name() && places_.contains(selection.name())) continue;
    v1::Selection& rest = *next.add_selections();
    rest = selection;
    if (!selection.start().has_cursor()) rest.mutable_start()->mutable_oldest();
  }
  return next;
}

absl::Status Progress::OnHello(const v1::SubscribeResponse::Hello& hello) {
  begun_ = true;
  for (const v1::Cursor& cursor : hello.cursors()) {
    const auto found = places_.find(cursor.channel());
    // A resumed channel's new epoch begins with the batch that says so.
    if (found != places_.end() && found->second.epoch != cursor.epoch()) continue;
    if (absl::Status status = Reach(cursor, "hello"); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// Takes note that `by` says that the channel is at `cursor`.
absl::Status Progress::Reach(const v1::Cursor& cursor, std::string_view by) {
  if (cursor.channel().empty() || cursor.epoch() == 0) {
    return absl::DataLossError(Concat(by, " has a cursor without a channel or an epoch"));
  }
  auto found = places_.find(cursor.channel());
  if (found == places_.end()) {
    if (places_.size() == kMaxChannels) {
      return absl::DataLossError(Concat("more than ", kMaxChannels, " channels"));
    }
    found = places_.emplace(cursor.channel(), Place()).first;
  }
  Place& place = found->second;
  if (place.epoch != cursor.epoch() || place.open_ended) {
    place.epoch = cursor.epoch();
    place.sequence = cursor.sequence();
    place.open_ended = false;
  }
  // A resumed channel may be absent yet, or not have caught up.
  if (place.sequence == cursor.sequence() || place.resuming) return absl::OkStatus();
  return absl::DataLossError(Concat("channel '", cursor.channel(), "': ", by, " is at ",
                                    cursor.sequence(), ", but the records end at ",
                                    place.sequence));
}

// Makes the first batch of a resumed channel continue where the last ended.
absl::Status Progress::Join(BatchView* batch, const Place& place) {
  if (batch->first_sequence() > place.sequence + 1) {
    batch->ExtendBack(place.sequence + 1, v1::LOSS_STAGE_DAEMON_RESTART, kResumeCause);
    return absl::OkStatus();
  }
  return batch->SkipThrough(place.sequence);
}

absl::Status Progress::OnBatch(BatchView* batch) {
  auto found = places_.find(batch->channel());
  if (found == places_.end()) {
    if (places_.size() == kMaxChannels) {
      return absl::DataLossError(Concat("more than ", kMaxChannels, " channels"));
    }
    found = places_.emplace(batch->channel(), Place()).first;
  }
  Place& place = found->second;
  const bool continues =
      place.epoch == batch->epoch() && !place.open_ended && batch->first_sequence() != 0;
  if (continues && place.resuming) {
    if (absl::Status status = Join(batch, place); !status.ok()) return status;
  } else if (continues && batch->first_sequence() != place.sequence + 1) {
    return absl::DataLossError(Concat("channel '", batch->channel(), "': a batch starts at ",
                                      batch->first_sequence(), ", but the last ended at ",
                                      place.sequence));
  }
  records_ += batch->records().size();
  // A batch that held nothing new leaves the place where it is.
  if (continues && batch->first_sequence() == 0) return absl::OkStatus();
  place.epoch = batch->epoch();
  place.sequence = batch->last_sequence();
  place.open_ended = batch->first_sequence() == 0;
  place.resuming = false;
  place.delivered = true;
  return absl::OkStatus();
}

absl::Status Progress::OnHeartbeat(const v1::SubscribeResponse::Heartbeat& heartbeat) {
  for (const v1::Cursor& cursor : heartbeat.cursors()) {
    if (absl::Status status = Reach(cursor, "heartbeat"); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Progress::OnHistoryEnd(const v1::SubscribeResponse::HistoryEnd& end) {
  const v1::Cursor& cursor = end.cursor();
  if (cursor.epoch() == 0) return absl::OkStatus();  // never live: no history
  const auto found = places_.find(cursor.channel());
  // The batch before may reach beyond the history.
  if (found != places_.end() && found->second.epoch == cursor.epoch() &&
      found->second.sequence >= cursor.sequence()) {
    return absl::OkStatus();
  }
  return Reach(cursor, "the end of the history");
}

bool Progress::GaveOut(const v1::Cursor& cursor) const {
  const auto found = places_.find(cursor.channel());
  if (found == places_.end() || !found->second.delivered) return false;
  return cursor.epoch() != found->second.stream_epoch ||
         cursor.sequence() > found->second.stream_sequence;
}

std::vector<v1::Cursor> Progress::cursors() const {
  std::vector<v1::Cursor> cursors;
  for (const auto& [channel, place] : places_) {
    cursors.push_back(MakeCursor(channel, place.epoch, place.sequence));
  }
  return cursors;
}

}  // namespace kchan
