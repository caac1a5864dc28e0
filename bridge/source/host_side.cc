// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/host_side.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/boot_id.h"
#include "bridge/source/kernel_problems.h"

namespace kchan::source {
namespace {

std::map<std::string, std::unique_ptr<HostChannel>> ByName(
    std::vector<std::unique_ptr<HostChannel>> channels) {
  std::map<std::string, std::unique_ptr<HostChannel>> by_name;
  for (auto& channel : channels) {
    by_name.emplace(channel->description().name, std::move(channel));
  }
  return by_name;
}

absl::Status NoChannel(const std::string& channel) {
  return absl::NotFoundError(absl::StrCat("there is no channel '", channel, "'"));
}

}  // namespace

HostLink::HostLink(std::vector<std::unique_ptr<HostChannel>> channels)
    : channels_(ByName(std::move(channels))) {}

HostChannel* HostLink::Find(const std::string& channel) const {
  const auto found = channels_.find(channel);
  return found == channels_.end() ? nullptr : found->second.get();
}

KernelLink::StartAttach HostLink::Attach(const ChannelMessage& channel, hub::ValueFeed& values) {
  return [this, name = channel.description.name, &values]() -> absl::StatusOr<FinishAttach> {
    return [this, name, &values]() -> absl::StatusOr<std::unique_ptr<RecordSource>> {
      HostChannel* const found = Find(name);
      if (found == nullptr) return NoChannel(name);
      return found->Attach(values);
    };
  };
}

absl::StatusOr<hub::Schema> HostLink::GetSchema(const std::string& channel) {
  const HostChannel* const found = Find(channel);
  if (found == nullptr) return NoChannel(channel);
  return found->schema();
}

absl::StatusOr<ChannelMessage> HostLink::GetChannel(const std::string& channel) {
  const HostChannel* const found = Find(channel);
  if (found == nullptr) return NoChannel(channel);
  ChannelMessage message;
  message.id = 1;
  message.state = KCHAN_STATE_IDLE;
  message.generation = found->generation();
  message.description = found->description();
  return message;
}

HostSide::HostSide(EventLoop& loop, hub::Hub& hub, KernelReport& report,
                   std::vector<std::unique_ptr<HostChannel>> channels, SourcePolicyFor policy_for)
    : hub_(hub),
      report_(report),
      policy_for_(std::move(policy_for)),
      context_{.loop = loop,
               .boot_id = BootId(),
               .policy_for = [this](std::string_view channel) { return PolicyOf(channel); },
               .on_problem = [this] { report_soon_.Start(absl::ZeroDuration()); },
               .on_ended = [] {},  // none does
               .call_blocking =
                   [](const std::string& /*what*/, const auto& call, const auto& then) {
                     call();  // they have nobody to wait for
                     then();
                   }},
      link_(std::move(channels)),
      report_soon_(loop, [this] { Report(); }) {}

HostSide::~HostSide() { sources_.clear(); }

void HostSide::Start() {
  Offer();
  if (!refused_.empty()) Report();
}

void HostSide::Offer() {
  refused_.clear();
  for (const auto& [name, host] : link_.channels()) {
    if (sources_.contains(name)) continue;
    auto channel =
        hub_.Upsert(std::make_shared<const hub::ChannelDescription>(host->description()));
    if (channel == nullptr) {
      refused_.push_back(RefusedProblem(name, kHubIsFull));
      continue;
    }
    auto& source = sources_[name];
    source = std::make_unique<ChannelSource>(context_, std::move(channel));
    source->SetKernel(link_, *link_.GetChannel(name));
  }
}

void HostSide::SetPolicy(SourcePolicyFor policy_for) {
  policy_for_ = std::move(policy_for);
  for (const auto& [name, source] : sources_) source->Reconsider();
  if (refused_.empty()) return;
  Offer();
  Report();
}

void HostSide::DemandChanged(const std::string& channel) {
  const auto found = sources_.find(channel);
  if (found != sources_.end()) found->second->Reconsider();
}

hub::KernelAnswer HostSide::Publish(const std::string& channel, uint32_t type,
                                    std::span<const std::byte> payload) {
  HostChannel* const found = link_.Find(channel);
  if (found == nullptr) return {.status = NoChannel(channel), .kernel_errno = 0};
  return found->Publish(type, payload);
}

absl::StatusOr<hub::ValueSnapshot> HostSide::ReadValues(const std::string& channel) {
  HostChannel* const found = link_.Find(channel);
  if (found == nullptr) return NoChannel(channel);
  return found->ReadValues();
}

absl::StatusOr<hub::ValueChanged> HostSide::ChangeValue(const std::string& channel,
                                                        const hub::ValueChange& change) {
  HostChannel* const found = link_.Find(channel);
  if (found == nullptr) return NoChannel(channel);
  return found->ChangeValue(change);
}

SourcePolicy HostSide::PolicyOf(std::string_view channel) const {
  SourcePolicy policy = policy_for_ ? policy_for_(channel) : SourcePolicy();
  // A value has no history that somebody could come back for: reading it
  // unwatched would be work for nobody.
  const HostChannel* const found = link_.Find(std::string(channel));
  if (found != nullptr && found->description().volume == hub::Volume::kValue) {
    policy.idle_close = absl::ZeroDuration();
  }
  return policy;
}

void HostSide::Report() {
  std::vector<hub::Problem> problems = refused_;
  for (const auto& [name, source] : sources_) {
    if (source->problem().ok()) continue;
    problems.push_back({.subject = absl::StrCat("channel ", name),
                        .description = std::string(source->problem().message()),
                        .remedy = link_.Find(name)->RemedyFor(source->problem())});
  }
  report_.SetHostProblems(std::move(problems));
}

}  // namespace kchan::source
