// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/channel_source.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/epoch.h"

namespace kchan::source {
namespace {

constexpr absl::Duration kFirstRetry = absl::Milliseconds(100);
constexpr absl::Duration kLastRetry = absl::Minutes(1);

}  // namespace

ChannelSource::ChannelSource(ChannelSourceContext& context, std::shared_ptr<hub::Channel> channel)
    : context_(context),
      channel_(std::move(channel)),
      retry_delay_(kFirstRetry),
      retry_(context.loop, [this] { Reconsider(); }),
      idle_(context.loop, [this] { Close(); }) {}

ChannelSource::~ChannelSource() { AbandonOpening(); }

void ChannelSource::SetKernel(KernelLink& link, const ChannelMessage& kernel) {
  const bool is_dead = kernel.state == KCHAN_STATE_DEAD;
  const bool is_new = !present_ || kernel.id != kernel_.id;
  const bool other_size = kernel.description.budget_bytes != kernel_.description.budget_bytes;
  link_ = &link;
  if (is_dead) {
    // Announced before it is unregistered; or all are, when quiesced.
    kernel_ = kernel;
    return Gone(kernel.id,
                absl::StrCat(kernel.description.provider, " has ended the channel: load it again"));
  }
  kernel_ = kernel;
  present_ = true;
  if (is_new) LearnSchema();
  if (is_new || other_size) ForgetFailures();
  Reconsider();
}

// So that a channel can be described before anybody reads it. An error is not
// told: TryOpen() asks again, and then it matters.
void ChannelSource::LearnSchema() {
  auto schema = link_->GetSchema(channel_->name());
  if (schema.ok()) channel_->SetSchema(std::make_shared<const hub::Schema>(*std::move(schema)));
}

void ChannelSource::Gone(uint32_t id, const std::string& reason) {
  if (source_ != nullptr && source_id_ == id) source_->ChannelGone();
  if (id != kernel_.id) return;  // another one has come already
  present_ = false;
  gone_reason_ = reason;
  retry_.Cancel();
  SetProblem(absl::OkStatus());
  if (source_ == nullptr) TellEnded();
}

void ChannelSource::LinkGone(const std::string& reason) {
  AbandonOpening();
  source_.reset();
  idle_.Cancel();
  Gone(kernel_.id, reason);
  link_ = nullptr;
}

void ChannelSource::RingsAppeared() {
  if (source_ != nullptr) source_->RingsAppeared();
}

bool ChannelSource::Wanted(const SourcePolicy& policy) const {
  const auto directions = static_cast<uint32_t>(kernel_.description.direction);
  const bool is_read = kernel_.description.volume == hub::Volume::kValue ||
                       (directions & KCHAN_DIRECTION_TO_USER) != 0;
  return is_read && (policy.always || channel_->readers() != 0);
}

void ChannelSource::Reconsider() {
  if (!present_) return;
  if (kernel_.description.volume == hub::Volume::kBulk) {
    // Nothing to be read ahead of a request.
    return channel_->SetState(hub::ChannelState::kLive, "");
  }
  SourcePolicy policy =
      context_.policy_for ? context_.policy_for(channel_->name()) : SourcePolicy();
  // Who comes back to values finds the latest: there is nothing to keep up.
  if (!kernel_.description.has_records()) policy.idle_close = absl::ZeroDuration();
  const bool wanted = Wanted(policy);
  if (source_ != nullptr) {
    if (wanted || policy.idle_close == absl::InfiniteDuration()) {
      idle_.Cancel();
    } else if (!idle_.armed()) {
      idle_.Start(policy.idle_close);
    }
    return;
  }
  if (opening_ != nullptr) return;
  if (!wanted) {
    ForgetFailures();
    channel_->SetState(hub::ChannelState::kIdle, "");
  } else if (!retry_.armed()) {
    Open();
  }
}

void ChannelSource::Open() {
  auto opening = std::make_shared<Opening>();
  opening->start = link_->Attach(kernel_, channel_->values());
  opening_ = opening;
  context_.call_blocking(
      absl::StrCat("turning channel ", channel_->name(), " on"),
      [opening] { opening->finish = opening->start(); },
      [this, opening] {
        if (!opening->is_abandoned) Opened(*opening);
      });
}

void ChannelSource::AbandonOpening() {
  if (opening_ == nullptr) return;
  opening_->is_abandoned = true;
  opening_.reset();
}

void ChannelSource::Opened(Opening& opening) {
  opening_.reset();
  // It has gone meanwhile, and is not read: nothing of it could have been.
  if (!present_) return;
  absl::Status status = Finish(opening);
  if (!status.ok()) return Fail(std::move(status));
  retry_delay_ = kFirstRetry;
  SetProblem(absl::OkStatus());
  // Who is told that it is live misses nothing from then on.
  source_->WhenCaughtUp([this] { channel_->SetState(hub::ChannelState::kLive, ""); });
  source_->Start(channel_->log(), [this](absl::Status end) { Ended(std::move(end)); });
  Reconsider();  // its readers may have gone
}

absl::Status ChannelSource::Finish(Opening& opening) {
  if (!opening.finish.ok()) return opening.finish.status();
  auto source = (*opening.finish)();
  if (!source.ok()) return source.status();
  // In this order, since a module may go and come at any moment: what is
  // registered now under this name is what we are attached to, so it was when
  // we asked for the schema.
  auto schema = link_->GetSchema(channel_->name());
  if (!schema.ok()) return schema.status();
  const auto now = link_->GetChannel(channel_->name());
  if (!now.ok()) return now.status();
  if (now->generation != (*source)->generation()) {
    return absl::UnavailableError(
        absl::StrCat("channel ", channel_->name(), ": it was registered anew while it was opened"));
  }
  kernel_ = *now;
  source_id_ = now->id;
  auto shared_schema = std::make_shared<const hub::Schema>(*std::move(schema));
  channel_->SetSchema(shared_schema);
  BeginEpoch(**source, shared_schema->id);
  source_ = *std::move(source);
  return absl::OkStatus();
}

void ChannelSource::BeginEpoch(RecordSource& source, uint64_t schema_id) {
  if (!kernel_.description.has_records()) return;
  hub::Log& log = channel_->log();
  if (source.generation() != generation_) {
    source.ReadPast(log);
    generation_ = source.generation();
    epoch_ = EpochOf(context_.boot_id, channel_->name(), generation_);
    // As below, but it was an earlier daemon that gave them out.
    if (!source.has_history() && source.next_sequence() < log.NextIn(epoch_)) {
      epoch_ = RandomGeneration();
    }
  } else if (source.next_sequence() < log.next_sequence()) {
    // Numbers that this log has given out would come once more: somebody has
    // forged the rings' consumer pages. They are other records' numbers now.
    epoch_ = RandomGeneration();
  } else if (source.next_sequence() > log.next_sequence()) {
    log.AppendLoss({.first_sequence = 0,
                    .count = source.next_sequence() - log.next_sequence(),
                    .stage = hub::LossStage::kSource,
                    .cpu = std::nullopt,
                    .cause = "used up while this daemon did not read"});
    log.Publish();
  }
  log.StartEpoch(epoch_, schema_id, source.next_sequence(), source.has_history(),
                 source.history_end());
}

void ChannelSource::Ended(absl::Status status) {
  source_.reset();
  idle_.Cancel();
  if (!status.ok()) return Fail(std::move(status));
  // An id does not come back. Its end may reach us before its announcement,
  // and the announcement of its successor before its end.
  if (present_ && kernel_.id == source_id_) {
    present_ = false;
    gone_reason_ =
        absl::StrCat(kernel_.description.provider, " has ended the channel: load it again");
  }
  if (present_) return Reconsider();
  TellEnded();
}

void ChannelSource::TellEnded() {
  channel_->SetState(hub::ChannelState::kEnded, gone_reason_);
  context_.on_ended();
}

void ChannelSource::Close() {
  source_.reset();
  if (present_) {
    channel_->SetState(hub::ChannelState::kIdle, "");
  } else {
    TellEnded();
  }
}

void ChannelSource::Fail(absl::Status status) {
  if (!present_) return TellEnded();
  channel_->SetState(hub::ChannelState::kFailed, std::string(status.message()));
  SetProblem(std::move(status));
  retry_.Start(retry_delay_);
  retry_delay_ = std::min(2 * retry_delay_, kLastRetry);
}

void ChannelSource::SetProblem(absl::Status problem) {
  if (problem == problem_) return;
  problem_ = std::move(problem);
  context_.on_problem();
}

void ChannelSource::ForgetFailures() {
  retry_.Cancel();
  retry_delay_ = kFirstRetry;
  SetProblem(absl::OkStatus());
}

}  // namespace kchan::source
