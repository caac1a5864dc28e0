// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/netlink_follower.h"

#include <linux/netlink.h>
#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/netlink/genl_socket.h"
#include "bridge/netlink/network_namespace.h"
#include "bridge/netlink/unprivileged.h"

namespace kchan::source {
namespace {

constexpr int kEventReceiveBytes = 1 << 20;
constexpr int kReplyBytes = 1 << 20;
constexpr absl::Duration kFirstRetry = absl::Seconds(1);
constexpr absl::Duration kLastRetry = absl::Minutes(1);
constexpr char kControlFamily[] = "nlctrl";
constexpr char kNotifyGroup[] = "notify";

// Whether any process may join it. The kernel says so only to one that tries.
bool IsOpenToAll(netlink::NetlinkSocket& probe, uint32_t group) {
  const netlink::Unprivileged unprivileged;
  if (!unprivileged.status().ok()) return false;
  if (!probe.Join(group).ok()) return false;
  (void)probe.Leave(group);
  return true;
}

// Leaves those groups that clients may have.
void KeepOffered(const netlink::NetlinkRules& rules, netlink::NetlinkSocket& probe,
                 netlink::GenlFamily& family) {
  std::erase_if(family.groups, [&](const auto& group) {
    const auto privilege = rules.Check(
        {.family = family.name, .name = group.first, .is_group = true}, /*has_control=*/false);
    if (!privilege.ok()) return true;
    return *privilege == netlink::Privilege::kNone && !IsOpenToAll(probe, group.second);
  });
}

absl::StatusOr<uint32_t> FindNotifyGroup(const std::vector<netlink::GenlFamily>& families) {
  const auto control = std::ranges::find(families, kControlFamily, &netlink::GenlFamily::name);
  if (control == families.end()) return absl::UnimplementedError("this kernel has no nlctrl");
  return control->FindGroup(kNotifyGroup);
}

}  // namespace

NetlinkFollower::NetlinkFollower(EventLoop& loop, BlockingCalls& calls,
                                 const netlink::NetlinkRules& rules, std::string path,
                                 OnFamilies on_families, std::function<void()> on_gone,
                                 std::function<void()> on_problem)
    : loop_(loop),
      calls_(calls),
      rules_(rules),
      path_(std::move(path)),
      on_families_(std::move(on_families)),
      on_gone_(std::move(on_gone)),
      on_problem_(std::move(on_problem)),
      retry_delay_(kFirstRetry),
      retry_(loop, [this] { Look(); }) {}

absl::StatusOr<NetlinkFollower::Found> NetlinkFollower::Find(const netlink::NetlinkRules& rules,
                                                             const std::string& path,
                                                             bool with_events) {
  if (path.empty()) return FindHere(rules, path, with_events);
  const auto before = netlink::NamespaceAt(path);
  if (!before.ok()) return before.status();
  auto found = FindHere(rules, path, with_events);
  if (!found.ok()) return found.status();
  // Each socket opens the path anew.
  const auto after = netlink::NamespaceAt(path);
  if (!after.ok()) return after.status();
  if (*before != *after) {
    return absl::UnavailableError(
        absl::StrCat("network namespace ", path, ": another took its name meanwhile"));
  }
  found->where = *after;
  return found;
}

absl::StatusOr<NetlinkFollower::Found> NetlinkFollower::FindHere(const netlink::NetlinkRules& rules,
                                                                 const std::string& path,
                                                                 bool with_events) {
  auto opened = netlink::OpenSocketIn(path, kReplyBytes, NETLINK_GENERIC);
  if (!opened.ok()) return opened.status();
  netlink::GenlSocket socket(*std::move(opened));
  Found found;
  if (with_events) {
    auto events = netlink::OpenSocketIn(path, kEventReceiveBytes, NETLINK_GENERIC);
    if (!events.ok()) return events.status();
    const auto families = netlink::ListFamilies(socket);
    if (!families.ok()) return families.status();
    const auto group = FindNotifyGroup(*families);
    if (!group.ok()) return group.status();
    // First join, then look: what changes in between is announced.
    if (absl::Status status = (*events)->Join(*group); !status.ok()) return status;
    found.events = *std::move(events);
  }
  auto families = netlink::ListFamilies(socket);
  if (!families.ok()) return families.status();
  found.families = *std::move(families);
  const auto probe = std::move(socket).TakeSocket();
  for (netlink::GenlFamily& family : found.families) KeepOffered(rules, *probe, family);
  return found;
}

void NetlinkFollower::Look() {
  look_again_ = is_looking_;
  if (is_looking_) return;
  is_looking_ = true;
  auto found = std::make_shared<absl::StatusOr<Found>>(absl::UnknownError("not looked"));
  // The kernel answers under a lock that a family may hold for long.
  calls_.Run(
      "listing netlink families",
      [found, &rules = rules_, path = path_, with_events = events_ == nullptr] {
        *found = Find(rules, path, with_events);
      },
      [this, found] { Looked(std::move(*found)); });
}

void NetlinkFollower::Looked(absl::StatusOr<Found> found) {
  is_looking_ = false;
  const bool look_again = std::exchange(look_again_, false);
  absl::Status status = found.status();
  if (status.ok() && found->events != nullptr) {
    where_ = found->where;
    status = Watch(std::move(found->events));
  }
  if (events_ != nullptr && HasLostItsName()) Leave();
  if (status.ok() && events_ == nullptr && !path_.empty()) {
    status = absl::UnavailableError(absl::StrCat("network namespace ", path_, " has gone"));
  }
  if (!status.ok()) {
    Fail(std::move(status));
    if (look_again) Look();
    return;
  }
  retry_delay_ = kFirstRetry;
  retry_.Cancel();
  SetProblem(absl::OkStatus());
  on_families_(found->families);
  if (look_again) Look();
}

bool NetlinkFollower::HasLostItsName() const {
  if (path_.empty()) return false;
  const auto there = netlink::NamespaceAt(path_);
  return !there.ok() || *there != where_;
}

void NetlinkFollower::Leave() {
  watch_.reset();
  events_.reset();
  on_gone_();
}

void NetlinkFollower::PathMayHaveChanged() {
  if (events_ == nullptr) {
    // Nothing to try for, unless what is being tried came before the change.
    if (!is_looking_ && !netlink::NamespaceAt(path_).ok()) return;
  } else {
    if (!HasLostItsName()) return;
    Leave();
  }
  retry_delay_ = kFirstRetry;
  retry_.Cancel();
  Look();
}

absl::Status NetlinkFollower::Watch(std::unique_ptr<netlink::NetlinkSocket> events) {
  auto watch = FdWatch::Create(loop_, events->fd(), EPOLLIN, [this](uint32_t) { ReadEvents(); });
  if (!watch.ok()) return watch.status();
  events_ = std::move(events);
  watch_ = *std::move(watch);
  ReadEvents();  // what came before it was watched
  return absl::OkStatus();
}

void NetlinkFollower::ReadEvents() {
  bool has_changed = false;
  for (;;) {
    const auto received = events_->Receive(absl::ZeroDuration());
    if (!received.ok()) return Fail(received.status());
    if (*received == netlink::NetlinkSocket::Received::kNothing) break;
    has_changed = true;  // also where announcements were lost
  }
  if (has_changed) Look();
}

void NetlinkFollower::Fail(absl::Status status) {
  watch_.reset();
  events_.reset();
  SetProblem(std::move(status));
  retry_.Start(retry_delay_);
  retry_delay_ = std::min(2 * retry_delay_, kLastRetry);
}

void NetlinkFollower::SetProblem(absl::Status problem) {
  if (problem == problem_) return;
  problem_ = std::move(problem);
  on_problem_();
}

}  // namespace kchan::source
