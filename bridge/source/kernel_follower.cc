// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kernel_follower.h"

#include <sys/epoll.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/boot_id.h"
#include "bridge/source/kernel_problems.h"

namespace kchan::source {
namespace {

constexpr int kEventReceiveBytes = 1 << 20;
constexpr int kEventsPerTurn = 64;
constexpr absl::Duration kFirstRetry = absl::Seconds(1);
constexpr absl::Duration kLastRetry = absl::Minutes(1);
constexpr char kControlFamily[] = "nlctrl";
constexpr char kNotifyGroup[] = "notify";
constexpr char kModuleGone[] = "the kernel side is gone: load the module (modprobe kchan)";
constexpr char kUnregistered[] = "its module has unregistered it: load that again";
constexpr char kQuiesced[] =
    "the kernel side was told to let go (quiesced): load the module again (rmmod, modprobe kchan)";

}  // namespace

KernelFollower::KernelFollower(EventLoop& loop, hub::Hub& hub, KernelReport& report_to,
                               ControlPool& pool, BlockingCalls& calls,
                               const LinkOptions& link_options, SourcePolicyFor policy_for,
                               std::function<bool(const std::string& channel)> is_taken,
                               std::function<void()> let_go)
    : loop_(loop),
      hub_(hub),
      report_to_(report_to),
      pool_(pool),
      link_options_(link_options),
      context_{.loop = loop,
               .boot_id = BootId(),
               .policy_for = std::move(policy_for),
               .on_problem = [this] { report_.Start(absl::ZeroDuration()); },
               .on_ended = [this] { TryRefused(); },
               .call_blocking =
                   [&calls](std::string what, std::function<void()> call, EventLoop::Task then) {
                     calls.Run(std::move(what), std::move(call), std::move(then));
                   }},
      is_taken_(std::move(is_taken)),
      let_go_(std::move(let_go)),
      retry_(loop, [this] { Look(/*may_load=*/false); }),
      retry_delay_(kFirstRetry),
      report_(loop, [this] { Report(); }) {}

KernelFollower::~KernelFollower() { sources_.clear(); }

absl::Status KernelFollower::Start() {
  auto events = netlink::GenlMulticast::Open(kEventReceiveBytes);
  if (!events.ok()) return events.status();
  auto socket = netlink::GenlSocket::Open();
  if (!socket.ok()) return socket.status();
  const auto control = netlink::FindFamily(**socket, kControlFamily);
  if (!control.ok()) return control.status();
  if (!*control) return absl::UnimplementedError("this kernel has no nlctrl");
  const absl::StatusOr<uint32_t> group = (*control)->FindGroup(kNotifyGroup);
  if (!group.ok()) return group.status();
  // First join, then look: what changes in between is announced.
  if (absl::Status status = (*events)->Join(*group); !status.ok()) return status;
  auto watch = FdWatch::Create(loop_, (*events)->fd(), EPOLLIN, [this](uint32_t) { ReadEvents(); });
  if (!watch.ok()) return watch.status();
  events_ = *std::move(events);
  watch_ = *std::move(watch);
  Look(/*may_load=*/true);
  return absl::OkStatus();
}

void KernelFollower::DemandChanged(const std::string& channel) {
  if (ChannelSource* source = FindSource(channel)) source->Reconsider();
  TryRefused();
}

void KernelFollower::SetPolicy(SourcePolicyFor policy_for) {
  context_.policy_for = std::move(policy_for);
  for (const auto& [name, source] : sources_) source->Reconsider();
  TryRefused();
}

void KernelFollower::ReadBack(const std::string& channel) {
  if (link_ == nullptr) return;
  if (const auto now = link_->GetChannel(channel); now.ok()) Apply(*now);
}

void KernelFollower::ReadEvents() {
  for (;;) {
    const auto read = events_->Read(kEventsPerTurn, [this](const netlink::GenlMessage& message) {
      OnEvent(message);
      return absl::OkStatus();
    });
    if (!read.ok()) return Fail(read.status());
    events_lost_ = events_lost_ || read->overrun;
    if (read->dry) break;
  }
  if (!events_lost_) return;
  events_lost_ = false;
  Look(/*may_load=*/false);
}

void KernelFollower::OnEvent(const netlink::GenlMessage& message) {
  if (message.family == GENL_ID_CTRL) return OnFamilyEvent(message);
  if (family_ && message.family == family_->id && link_ != nullptr) OnChannelEvent(message);
}

void KernelFollower::OnFamilyEvent(const netlink::GenlMessage& message) {
  auto family = netlink::ParseFamily(message.attributes);
  if (!family.ok() || family->name != KCHAN_GENL_NAME) return;
  if (message.command == CTRL_CMD_NEWFAMILY) {
    Connect(*std::move(family));
  } else if (message.command == CTRL_CMD_DELFAMILY && family_ && family_->id == family->id) {
    Disconnect();
  }
}

void KernelFollower::OnChannelEvent(const netlink::GenlMessage& message) {
  switch (message.command) {
    case KCHAN_CMD_CHANNEL_NEW_NTF:
    case KCHAN_CMD_CHANNEL_CHANGE_NTF:
      if (const auto channel = ParseChannel(message.attributes); channel.ok()) Apply(*channel);
      break;
    case KCHAN_CMD_CHANNEL_DEL_NTF:
      if (const auto channel = ParseChannelName(message.attributes); channel.ok()) {
        refused_.erase(channel->name);
        let_go_();
        if (ChannelSource* source = FindSource(channel->name)) {
          source->Gone(channel->id, kUnregistered);
        }
      }
      break;
    case KCHAN_CMD_RING_NEW_NTF:
      if (const auto channel = ParseChannelName(message.attributes); channel.ok()) {
        if (ChannelSource* source = FindSource(channel->name)) source->RingsAppeared();
      }
      break;
    case KCHAN_CMD_QUIESCE_NTF:
      OnQuiesce();
      break;
    default:
      break;
  }
}

void KernelFollower::OnQuiesce() {
  status_.state = hub::KernelSideState::kQuiesced;
  status_.problems = {QuiescedProblem()};
  let_go_();
  for (const auto& [name, source] : sources_) source->Gone(source->kernel_id(), kQuiesced);
  Report();
}

void KernelFollower::Look(bool may_load) {
  auto socket = netlink::GenlSocket::Open();
  if (!socket.ok()) return Fail(socket.status());
  auto family = may_load ? netlink::FindFamily(**socket, KCHAN_GENL_NAME)
                         : netlink::FindLoadedFamily(**socket, KCHAN_GENL_NAME);
  if (!family.ok()) return Fail(family.status());
  if (!*family) return Disconnect();
  if (!family_ || family_->id != (*family)->id || link_ == nullptr) {
    return Connect(**std::move(family));
  }
  if (const absl::Status status = Refresh(); !status.ok()) Fail(status);
}

void KernelFollower::Connect(netlink::GenlFamily family) {
  Drop();
  family_ = std::move(family);
  if (const absl::Status status = TryConnect(*family_); !status.ok()) Fail(status);
}

absl::Status KernelFollower::TryConnect(const netlink::GenlFamily& family) {
  auto control = KernelControl::Open(family.id);
  if (!control.ok()) return control.status();
  const auto node = (*control)->GetNode();
  if (!node.ok()) return node.status();
  status_.module_version = node->module_version;
  status_.module_abi = absl::StrCat(node->abi_major, ".", node->abi_minor);
  if (node->abi_major != KCHAN_ABI_MAJOR) {
    status_.state = hub::KernelSideState::kAbiMismatch;
    status_.problems = {AbiProblem(*node)};
    pool_.ClearFamily(absl::FailedPreconditionError(status_.problems[0].description));
    Report();
    return absl::OkStatus();
  }
  const absl::StatusOr<uint32_t> group = family.FindGroup(KCHAN_GENL_GROUP_CHANNELS);
  if (!group.ok()) return group.status();
  if (absl::Status status = events_->Join(*group); !status.ok()) return status;
  link_ = std::make_unique<ModuleLink>(loop_, family, *std::move(control), link_options_,
                                       context_.boot_id);
  pool_.SetFamily(family.id, node->features);
  return Refresh();
}

void KernelFollower::Disconnect() {
  Drop();
  status_ = {.state = hub::KernelSideState::kAbsent,
             .module_version = "",
             .module_abi = "",
             .problems = {AbsentProblem()}};
  Report();
}

void KernelFollower::Drop() {
  retry_.Cancel();
  refused_.clear();
  for (const auto& [name, source] : sources_) source->LinkGone(kModuleGone);
  link_.reset();
  family_.reset();
  pool_.ClearFamily(absl::FailedPreconditionError(kModuleGone));
  let_go_();
}

absl::Status KernelFollower::Refresh() {
  const auto node = link_->control().GetNode();
  if (!node.ok()) return node.status();
  const auto channels = link_->control().ListChannels();
  if (!channels.ok()) return channels.status();
  std::set<std::string> present;
  for (const ChannelMessage& channel : *channels) present.insert(channel.description.name);
  // First those that went: their places may be needed.
  for (const auto& [name, source] : sources_) {
    if (!present.contains(name)) source->Gone(source->kernel_id(), kUnregistered);
  }
  for (const ChannelMessage& channel : *channels) Apply(channel);
  for (const auto& [name, source] : sources_) source->RingsAppeared();
  SetReady(*node);
  Report();
  return absl::OkStatus();
}

void KernelFollower::SetReady(const NodeMessage& node) {
  retry_.Cancel();
  retry_delay_ = kFirstRetry;
  status_.problems.clear();
  status_.state = hub::KernelSideState::kReady;
  if (node.quiesced) {
    status_.state = hub::KernelSideState::kQuiesced;
    status_.problems.push_back(QuiescedProblem());
  }
}

void KernelFollower::Apply(const ChannelMessage& message) {
  const std::string& name = message.description.name;
  if (is_taken_(name)) return Refuse(name, "kchand itself has a channel of this name");
  auto channel = hub_.Upsert(std::make_shared<const hub::ChannelDescription>(message.description));
  if (channel == nullptr) return Refuse(name, kHubIsFull);
  refused_.erase(name);
  ChannelSource* source = FindSource(name);
  if (source == nullptr || source->channel() != channel) {
    if (hub_.is_full()) ForgetRemoved();
    auto& place = sources_[name];
    place = std::make_unique<ChannelSource>(context_, std::move(channel));
    source = place.get();
  }
  source->SetKernel(*link_, message);
  if (message.state == KCHAN_STATE_DEAD) let_go_();
}

void KernelFollower::Refuse(const std::string& name, const std::string& reason) {
  refused_[name] = reason;
  report_.Start(absl::ZeroDuration());
}

// A place may have become free in the hub.
void KernelFollower::TryRefused() {
  if (!refused_.empty() && link_ != nullptr && !retry_.armed()) retry_.Start(absl::ZeroDuration());
}

// What the hub has dropped to make room.
void KernelFollower::ForgetRemoved() {
  std::erase_if(sources_, [this](const auto& each) {
    return hub_.Find(each.first) != each.second->channel();
  });
}

ChannelSource* KernelFollower::FindSource(const std::string& name) {
  const auto found = sources_.find(name);
  return found == sources_.end() ? nullptr : found->second.get();
}

void KernelFollower::Report() {
  report_.Cancel();
  hub::KernelSideStatus status = status_;
  for (const auto& [name, source] : sources_) {
    if (!source->problem().ok()) {
      status.problems.push_back(ChannelProblem(name, source->problem()));
    }
  }
  for (const auto& [name, reason] : refused_) {
    status.problems.push_back(RefusedProblem(name, reason));
  }
  report_to_.SetModule(std::move(status));
}

void KernelFollower::Fail(const absl::Status& status) {
  if (link_ == nullptr) pool_.ClearFamily(status);
  status_.state = hub::KernelSideState::kFailed;
  status_.problems = {FailedProblem(status)};
  Report();
  retry_.Start(retry_delay_);
  retry_delay_ = std::min(2 * retry_delay_, kLastRetry);
}

}  // namespace kchan::source
