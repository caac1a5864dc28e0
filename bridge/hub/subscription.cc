// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/subscription.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "bridge/hub/channel_reader.h"
#include "bridge/hub/subscription_checks.h"
#include "bridge/hub/subscription_quota.h"
#include "bridge/text/concat.h"

namespace kchan::hub {
namespace {

constexpr char kFilterField[] = "filter: ";
constexpr char kMaskField[] = "fields";  // followed by the path's place

// Where a channel starts. One that came after the subscription is new as a whole.
Start StartOf(const Selection& selection, bool is_late, int64_t clock_offset_ns) {
  if (is_late && !std::holds_alternative<StartAt>(selection.start)) return StartOldest{};
  if (!std::holds_alternative<StartSince>(selection.start)) return selection.start;
  const int64_t utc_ns = selection.since_utc_ns.value_or(0);
  return StartSince{.boottime_ns = BoottimeOf(utc_ns, clock_offset_ns), .utc_ns = utc_ns};
}

absl::Status FellBehind(const ChannelReader& reader, const Loss& loss) {
  const std::string count = loss.count == 0 ? "records" : text::Concat(loss.count, " records");
  return absl::OutOfRangeError(
      text::Concat("channel ", reader.channel()->name(), ": the log dropped ", count,
                   " before this reader came to them, and it asked to be disconnected then"));
}

}  // namespace

class Subscription::Impl {
 public:
  Impl(Hub& hub, SubscriptionOptions options, Waiter* waiter)
      : hub_(hub), options_(std::move(options)), waiter_(waiter), quota_(options_) {}

  ~Impl() { hub_.Disarm(waiter_); }

  absl::Status Open();
  absl::StatusOr<SubscriptionOutput> Next();
  absl::Status Acknowledge(std::string_view channel, const Cursor& cursor);
  void SetPaused(bool paused) { is_paused_ = paused; }
  bool TellWithheld();
  std::optional<uint64_t> ends_at_ns() const { return quota_.ends_at_ns(); }
  void SetClockOffset(int64_t offset_ns);
  void OffersChanged() { hub_version_ = 0; }
  std::vector<std::string> channels() const;
  std::vector<ChannelCursor> cursors() const;
  uint64_t unacknowledged_bytes() const { return unacknowledged_bytes_; }

 private:
  absl::Status FollowHub(bool is_late);
  absl::Status Join(const std::shared_ptr<Channel>& channel, bool is_late);
  bool Reads(const Channel& channel) const;
  ReaderOptions OptionsFor(const Selection& selection) const;
  std::optional<SubscriptionOutput> News();
  size_t Room() const;
  absl::StatusOr<std::optional<BatchOut>> NextBatch();
  absl::StatusOr<std::optional<BatchOut>> Give(ChannelReader& reader, LogBatch batch);
  void NextTurn();
  bool HasEnded() const;
  absl::Status DropRemoved();
  bool WaitForAll();

  Hub& hub_;
  const SubscriptionOptions options_;
  Waiter* const waiter_;
  std::shared_ptr<const Filter> filter_;   // null: none
  std::shared_ptr<const FieldMask> mask_;  // null: none
  std::vector<std::unique_ptr<ChannelReader>> readers_;
  size_t turn_ = 0;
  uint64_t hub_version_ = 0;  // followed up to here
  bool may_have_news_ = true;
  bool is_unfinished_ = false;  // the last NextBatch() found nothing yet
  bool is_paused_ = false;
  bool window_is_full_ = false;
  uint64_t unacknowledged_bytes_ = 0;
  SubscriptionQuota quota_;
};

absl::Status Subscription::Impl::Open() {
  if (options_.selections.empty()) {
    return absl::InvalidArgumentError("selections: at least one is needed");
  }
  for (size_t i = 0; i < options_.selections.size(); ++i) {
    absl::Status status = CheckSelection(hub_, options_.selections[i], i);
    if (!status.ok()) return status;
  }
  absl::StatusOr<std::shared_ptr<const Filter>> filter = hub_.filters().Get(options_.filter);
  if (!filter.ok()) return Prefixed(kFilterField, filter.status());
  filter_ = *std::move(filter);
  if (filter_) {
    absl::Status status = CheckFilter(hub_, options_, *filter_);
    if (!status.ok()) return Prefixed(kFilterField, status);
  }
  if (!options_.fields.empty()) {
    auto mask = options_.field_masks->Get(options_.fields);
    if (!mask.ok()) return Prefixed(kMaskField, mask.status());
    mask_ = *std::move(mask);
    absl::Status status = CheckMask(hub_, options_, *mask_);
    if (!status.ok()) return Prefixed(kMaskField, status);
  }
  return FollowHub(/*is_late=*/false);
}

// Joins the channels that came, and notices those that went.
absl::Status Subscription::Impl::FollowHub(bool is_late) {
  const uint64_t version = hub_.version();
  if (version == hub_version_) return absl::OkStatus();
  hub_version_ = version;
  may_have_news_ = true;
  for (const auto& reader : readers_) {
    if (hub_.Find(reader->channel()->name()) != reader->channel()) reader->MarkRemoved();
  }
  for (const std::shared_ptr<Channel>& channel : hub_.List()) {
    if (absl::Status status = Join(channel, is_late); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Subscription::Impl::Join(const std::shared_ptr<Channel>& channel, bool is_late) {
  if (!channel->snapshot().description->has_records()) return absl::OkStatus();
  const auto& selections = options_.selections;
  const auto selection =
      std::find_if(selections.begin(), selections.end(),
                   [&](const Selection& each) { return Selects(each, channel->name()); });
  if (selection == selections.end() || Reads(*channel)) return absl::OkStatus();
  if (options_.is_offered && !options_.is_offered(channel->name())) return absl::OkStatus();
  if (options_.overflow_policy == OverflowPolicy::kBlock) {
    if (absl::Status status = CheckMayBlock(*channel); !status.ok()) return status;
  }
  const int64_t offset_ns = quota_.clock_offset_ns();
  auto reader = ChannelReader::Open(hub_, channel, StartOf(*selection, is_late, offset_ns),
                                    OptionsFor(*selection), offset_ns, waiter_);
  if (!reader.ok()) {
    const auto index = static_cast<size_t>(selection - selections.begin());
    return Prefixed(FieldName(index, "start.cursor"), reader.status());
  }
  readers_.push_back(*std::move(reader));
  readers_.back()->credit_bytes = static_cast<int64_t>(options_.max_batch_bytes);
  return absl::OkStatus();
}

ReaderOptions Subscription::Impl::OptionsFor(const Selection& selection) const {
  return {.filter = filter_,
          .mask = mask_,
          .masks = options_.field_masks,
          .form = options_.form,
          .since_utc_ns = selection.since_utc_ns,
          .until_utc_ns = options_.stop.until_utc_ns,
          .sample_every = options_.sample_every,
          .source_delay = options_.source_delay,
          .ends_with_history = options_.stop.end_of_history,
          .skips_to_newest = options_.overflow_policy == OverflowPolicy::kSkipToNewest,
          .blocks = options_.overflow_policy == OverflowPolicy::kBlock};
}

bool Subscription::Impl::Reads(const Channel& channel) const {
  return std::any_of(readers_.begin(), readers_.end(),
                     [&](const auto& reader) { return reader->channel().get() == &channel; });
}

absl::StatusOr<SubscriptionOutput> Subscription::Impl::Next() {
  for (;;) {
    if (absl::Status status = FollowHub(/*is_late=*/true); !status.ok()) return status;
    if (quota_.is_used_up()) return EndOut{};
    if (auto news = News()) return *std::move(news);
    if (!is_paused_) {
      absl::StatusOr<std::optional<BatchOut>> batch = NextBatch();
      if (!batch.ok()) return batch.status();
      if (*batch) return SubscriptionOutput(**std::move(batch));
      if (may_have_news_) continue;
      if (is_unfinished_) return MoreOut{};
      if (!window_is_full_ && HasEnded()) {
        if (TellWithheld()) continue;
        return EndOut{};
      }
    }
    if (absl::Status status = DropRemoved(); !status.ok()) return status;
    if (WaitForAll()) return NothingOut{};
  }
}

std::optional<SubscriptionOutput> Subscription::Impl::News() {
  if (!may_have_news_) return std::nullopt;
  for (const auto& reader : readers_) {
    if (auto news = reader->News()) return news;
  }
  may_have_news_ = false;
  return std::nullopt;
}

// How long the next batch may be; 0: the window is full. A batch waits until
// a good part of the window is free, or acknowledgements of little batches
// would make ever smaller ones.
size_t Subscription::Impl::Room() const {
  const uint64_t window = options_.window_bytes;
  if (window == 0) return options_.max_batch_bytes;
  if (unacknowledged_bytes_ == 0) return std::min<uint64_t>(options_.max_batch_bytes, window);
  const uint64_t left = window - std::min(window, unacknowledged_bytes_);
  if (left < std::min<uint64_t>(options_.max_batch_bytes, window / 4)) return 0;
  return std::min<uint64_t>(options_.max_batch_bytes, left);
}

// Channels take turns by credit: each turn adds one batch's worth, a batch
// costs what it is long, and nothing is saved up while there is nothing to
// read. Ends when one whole round found nothing, or when something has to be
// said first.
absl::StatusOr<std::optional<BatchOut>> Subscription::Impl::NextBatch() {
  const size_t room = Room();
  window_is_full_ = room == 0;
  is_unfinished_ = false;
  if (window_is_full_) return std::nullopt;
  for (size_t idle = 0; idle < readers_.size(); NextTurn()) {
    ChannelReader& reader = *readers_[turn_];
    if (reader.credit_bytes <= 0) {
      idle = 0;
      continue;
    }
    LogBatch batch = reader.Peek({.max_bytes = room, .quota = quota_.Now()});
    may_have_news_ = reader.HasNews();
    if (may_have_news_) return std::nullopt;
    is_unfinished_ = batch.empty() && reader.is_unfinished();
    if (is_unfinished_) {
      NextTurn();
      return std::nullopt;
    }
    if (batch.empty()) {
      reader.credit_bytes = 0;
      ++idle;
      continue;
    }
    // One record may be longer than what is left of the window.
    window_is_full_ = batch.body_bytes > room && unacknowledged_bytes_ > 0;
    if (window_is_full_) return std::nullopt;
    return Give(reader, std::move(batch));
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<BatchOut>> Subscription::Impl::Give(ChannelReader& reader,
                                                                 LogBatch batch) {
  if (options_.overflow_policy == OverflowPolicy::kDisconnect && batch.loss &&
      batch.loss->stage == LossStage::kLogEviction) {
    return FellBehind(reader, *batch.loss);
  }
  const bool has_window = options_.window_bytes != 0;
  quota_.Take(reader.peeked_records());
  reader.Accept(batch, has_window);
  may_have_news_ = reader.HasNews();
  reader.credit_bytes -= static_cast<int64_t>(batch.body_bytes);
  if (has_window) unacknowledged_bytes_ += batch.body_bytes;
  return BatchOut{.channel = reader.channel(), .batch = std::move(batch)};
}

void Subscription::Impl::NextTurn() {
  turn_ = (turn_ + 1) % readers_.size();
  const auto quantum = static_cast<int64_t>(options_.max_batch_bytes);
  int64_t& credit = readers_[turn_]->credit_bytes;
  credit = std::min(credit + quantum, quantum);
}

// Asked when nothing is left to read.
bool Subscription::Impl::HasEnded() const {
  const StopCondition& stop = options_.stop;
  const auto all = [this](auto&& is_so) {
    return std::all_of(readers_.begin(), readers_.end(),
                       [&](const auto& reader) { return is_so(*reader); });
  };
  if (stop.end_of_history && all([](const auto& r) { return r.told_history_end(); })) return true;
  if (!stop.until_utc_ns) return false;
  if (quota_.HasPassedItsEnd()) return all([](const auto& r) { return !r.is_pending(); });
  return !readers_.empty() && all([](const auto& r) { return r.is_done(); });
}

// Called when nothing is left to read, or nothing may be read now.
absl::Status Subscription::Impl::DropRemoved() {
  if (is_paused_ || window_is_full_) return absl::OkStatus();
  std::string last_removed;
  std::erase_if(readers_, [&](const auto& reader) {
    if (!reader->is_removed() || reader->is_pending()) return false;
    last_removed = reader->channel()->name();
    unacknowledged_bytes_ -= reader->unacknowledged_bytes();
    return true;
  });
  if (last_removed.empty()) return absl::OkStatus();
  turn_ = 0;
  const bool others_may_come = std::any_of(options_.selections.begin(), options_.selections.end(),
                                           [](const Selection& each) { return each.is_glob; });
  if (!readers_.empty() || others_may_come) return absl::OkStatus();
  return absl::NotFoundError(text::Concat("channel ", last_removed, " was removed"));
}

// Arms the waiter everywhere; false if something happened meanwhile.
bool Subscription::Impl::WaitForAll() {
  if (!hub_.Wait(hub_version_, waiter_)) return false;
  if (is_paused_ || window_is_full_) return true;
  return std::all_of(readers_.begin(), readers_.end(),
                     [](const auto& reader) { return reader->Wait(); });
}

absl::Status Subscription::Impl::Acknowledge(std::string_view channel, const Cursor& cursor) {
  // From the back: a channel of the same name may have replaced one that was
  // removed.
  const auto reader = std::find_if(readers_.rbegin(), readers_.rend(), [&](const auto& each) {
    return each->channel()->name() == channel;
  });
  if (reader == readers_.rend()) {
    return absl::InvalidArgumentError(
        text::Concat("channel ", channel, " is not part of this subscription"));
  }
  const absl::StatusOr<uint64_t> freed = (*reader)->Acknowledge(cursor);
  if (!freed.ok()) return freed.status();
  unacknowledged_bytes_ -= *freed;
  return absl::OkStatus();
}

bool Subscription::Impl::TellWithheld() {
  bool is_any = false;
  for (const auto& reader : readers_) is_any |= reader->TellWithheld();
  return is_any;
}

void Subscription::Impl::SetClockOffset(int64_t offset_ns) {
  quota_.SetClockOffset(offset_ns);
  for (const auto& reader : readers_) reader->SetClockOffset(offset_ns);
}

std::vector<std::string> Subscription::Impl::channels() const {
  std::vector<std::string> names;
  for (const auto& reader : readers_) names.push_back(reader->channel()->name());
  return names;
}

std::vector<ChannelCursor> Subscription::Impl::cursors() const {
  std::vector<ChannelCursor> cursors;
  for (const auto& reader : readers_) {
    if (reader->cursor().epoch == 0) continue;
    cursors.push_back({.channel = reader->channel()->name(), .cursor = reader->cursor()});
  }
  return cursors;
}

absl::StatusOr<std::unique_ptr<Subscription>> Subscription::Open(Hub& hub,
                                                                 SubscriptionOptions options,
                                                                 Waiter* waiter) {
  auto impl = std::make_unique<Impl>(hub, std::move(options), waiter);
  if (absl::Status status = impl->Open(); !status.ok()) return status;
  return std::unique_ptr<Subscription>(new Subscription(std::move(impl)));
}

Subscription::Subscription(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Subscription::~Subscription() = default;

absl::StatusOr<SubscriptionOutput> Subscription::Next() { return impl_->Next(); }

absl::Status Subscription::Acknowledge(std::string_view channel, const Cursor& cursor) {
  return impl_->Acknowledge(channel, cursor);
}

void Subscription::SetPaused(bool paused) { impl_->SetPaused(paused); }

bool Subscription::TellWithheld() { return impl_->TellWithheld(); }

std::optional<uint64_t> Subscription::ends_at_ns() const { return impl_->ends_at_ns(); }

void Subscription::SetClockOffset(int64_t offset_ns) { impl_->SetClockOffset(offset_ns); }

void Subscription::OffersChanged() { impl_->OffersChanged(); }

std::vector<std::string> Subscription::channels() const { return impl_->channels(); }

std::vector<ChannelCursor> Subscription::cursors() const { return impl_->cursors(); }

uint64_t Subscription::unacknowledged_bytes() const { return impl_->unacknowledged_bytes(); }

}  // namespace kchan::hub
