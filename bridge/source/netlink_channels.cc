// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/netlink_channels.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/netlink/channel_name.h"
#include "bridge/source/boot_id.h"
#include "bridge/source/kernel_problems.h"

namespace kchan::source {
namespace {

// Families that do not answer hold up these, and no channel of the module.
constexpr size_t kMaxCalls = 4;
constexpr char kFamilyIsGone[] = "its netlink family is gone: load its module again";
constexpr char kNamespaceIsGone[] = "its network namespace is gone: make it again (ip netns add)";

}  // namespace

NetlinkChannels::NetlinkChannels(EventLoop& loop, hub::Hub& hub, KernelReport& report,
                                 hub::RunningCalls& running, const netlink::NetlinkOptions& options,
                                 SourcePolicyFor policy_for)
    : loop_(loop),
      hub_(hub),
      report_(report),
      options_(options),
      rules_(options.read, options.privileged),
      calls_(loop, kMaxCalls, running),
      context_{.loop = loop,
               .boot_id = BootId(),
               .policy_for = std::move(policy_for),
               .on_problem = [this] { report_soon_.Start(absl::ZeroDuration()); },
               .on_ended = [] {},
               .call_blocking =
                   [this](std::string what, std::function<void()> call, EventLoop::Task then) {
                     calls_.Run(std::move(what), std::move(call), std::move(then));
                   }},
      report_soon_(loop, [this] { Report(); }) {
  if (!options_.enabled) return;
  AddPlace("", "");
  for (const auto& [name, path] : options_.network_namespaces) AddPlace(name, path);
}

NetlinkChannels::~NetlinkChannels() { places_.clear(); }

void NetlinkChannels::AddPlace(const std::string& name, const std::string& path) {
  auto place = std::make_unique<Place>(Place{.name = name, .path = path, .follower = nullptr});
  place->follower = std::make_unique<NetlinkFollower>(
      loop_, calls_, rules_, path,
      [this, place = place.get()](const auto& families) { Apply(*place, families); },
      [this, place = place.get()] { LeavePlace(*place); },
      [this] { report_soon_.Start(absl::ZeroDuration()); });
  places_.push_back(std::move(place));
}

void NetlinkChannels::Start() {
  WatchMounts();
  for (const auto& place : places_) {
    // Who subscribes as soon as it can finds what there is.
    if (place->path.empty()) {
      place->follower->StartNow();
    } else {
      place->follower->Start();
    }
  }
}

void NetlinkChannels::WatchMounts() {
  if (options_.network_namespaces.empty() || places_.empty()) return;
  auto mounts = MountWatch::Create(loop_, [this] {
    for (const auto& place : places_) {
      if (!place->path.empty()) place->follower->PathMayHaveChanged();
    }
  });
  mounts_problem_ = mounts.status();
  if (mounts.ok()) mounts_ = *std::move(mounts);
}

void NetlinkChannels::SetPolicy(SourcePolicyFor policy_for) {
  context_.policy_for = std::move(policy_for);
  for (const auto& place : places_) {
    for (const auto& [channel, entry] : place->entries) {
      if (entry.source != nullptr) entry.source->Reconsider();
    }
  }
}

void NetlinkChannels::DemandChanged(const std::string& channel) {
  for (const auto& place : places_) {
    const auto found = place->entries.find(channel);
    if (found != place->entries.end() && found->second.source != nullptr) {
      found->second.source->Reconsider();
    }
  }
}

void NetlinkChannels::Apply(Place& place, const std::vector<netlink::GenlFamily>& families) {
  std::set<std::string> there;
  for (const netlink::GenlFamily& family : families) {
    for (const auto& [group, id] : family.groups) {
      there.insert(netlink::ChannelName(family.name, group, place.name));
      ApplyGroup(place, family, group);
    }
  }
  for (auto& [channel, entry] : place.entries) {
    if (!there.contains(channel)) Gone(entry, kFamilyIsGone);
  }
  Forget(place);
  report_soon_.Start(absl::ZeroDuration());
}

void NetlinkChannels::ApplyGroup(Place& place, const netlink::GenlFamily& family,
                                 const std::string& group) {
  Entry& entry = place.entries[netlink::ChannelName(family.name, group, place.name)];
  if (entry.group == nullptr) {
    entry.group = std::make_unique<NetlinkGroup>(loop_, rules_, family.name, group, place.name,
                                                 place.path, options_.receive_bytes);
  }
  const uint32_t id_before = entry.group->message().id;
  const bool was_registered = entry.group->is_registered();
  if (entry.group->Register(family) && was_registered && entry.source != nullptr) {
    entry.source->Gone(id_before, kFamilyIsGone);
  }
  Offer(entry);
}

void NetlinkChannels::Offer(Entry& entry) {
  auto channel = hub_.Upsert(
      std::make_shared<const hub::ChannelDescription>(entry.group->message().description));
  if (channel == nullptr) {
    entry.source.reset();
    return;
  }
  // While its family was gone another may have taken its place.
  if (entry.source == nullptr || entry.source->channel() != channel) {
    entry.source = std::make_unique<ChannelSource>(context_, std::move(channel));
  }
  entry.source->SetKernel(*entry.group, entry.group->message());
}

void NetlinkChannels::Gone(Entry& entry, const char* reason) {
  if (!entry.group->is_registered()) return;
  entry.group->Unregister();
  if (entry.source != nullptr) entry.source->Gone(entry.group->message().id, reason);
}

void NetlinkChannels::LeavePlace(Place& place) {
  for (auto& [channel, entry] : place.entries) Gone(entry, kNamespaceIsGone);
  Forget(place);
  report_soon_.Start(absl::ZeroDuration());
}

void NetlinkChannels::Forget(Place& place) {
  std::erase_if(place.entries, [this](const auto& each) {
    const Entry& entry = each.second;
    return !entry.group->is_registered() &&
           (entry.source == nullptr || hub_.Find(each.first) != entry.source->channel());
  });
}

void NetlinkChannels::Report() {
  std::vector<hub::Problem> problems;
  if (!mounts_problem_.ok()) {
    problems.push_back({.subject = "network namespaces",
                        .description = std::string(mounts_problem_.message()),
                        .remedy = "let kchand read it: without, it does not see that a namespace "
                                  "is deleted, and holds it"});
  }
  for (const auto& place : places_) {
    if (!place->follower->problem().ok()) {
      problems.push_back(
          {.subject =
               place->name.empty() ? "netlink" : absl::StrCat("network namespace ", place->name),
           .description = std::string(place->follower->problem().message()),
           .remedy = place->name.empty()
                         ? "let kchand have netlink sockets (its seccomp filter or its systemd "
                           "unit may forbid them), or set netlink { disabled: true }"
                         : "make it (ip netns add), let kchand have CAP_SYS_ADMIN, or take it out "
                           "of netlink { network_namespaces }; kchand keeps trying"});
    }
    for (const auto& [channel, entry] : place->entries) {
      if (entry.source == nullptr) {
        problems.push_back(RefusedProblem(channel, kHubIsFull));
      } else if (!entry.source->problem().ok()) {
        problems.push_back(ChannelProblem(channel, entry.source->problem()));
      }
    }
  }
  report_.SetNetlinkProblems(std::move(problems));
}

}  // namespace kchan::source
