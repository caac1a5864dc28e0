// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_NETLINK_FOLLOWER_H_
#define KCHAN_BRIDGE_SOURCE_NETLINK_FOLLOWER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bridge/netlink/genl_family.h"
#include "bridge/netlink/netlink_rules.h"
#include "bridge/netlink/netlink_socket.h"
#include "bridge/netlink/network_namespace.h"
#include "bridge/source/blocking_calls.h"
#include "bridge/source/event_loop.h"

namespace kchan::source {

// Follows which netlink families there are in one network namespace, and which
// of their groups clients may have: those that any process may join, and what
// the operator has opened. Whatever nlctrl announces, it lists them all again.
//
// A namespace lives as long as somebody has a socket in it. So when its name is
// gone, or another's, this lets go, and follows whichever has the name next.
//
// Thread safety: the source thread only.
//
// Lifetime: what it is given outlives it; `calls` stops first.
class NetlinkFollower {
 public:
  using OnFamilies = std::function<void(const std::vector<netlink::GenlFamily>&)>;

  // `path`: of the namespace; empty: this process's own. `on_families` is called
  // with all of them, after each change; `on_gone` when the namespace has lost its
  // name: nothing may keep a socket there; `on_problem` when problem() changes.
  NetlinkFollower(EventLoop& loop, BlockingCalls& calls, const netlink::NetlinkRules& rules,
                  std::string path, OnFamilies on_families, std::function<void()> on_gone,
                  std::function<void()> on_problem);

  // Looks, soon; or at once, where no one waits for the thread.
  void Start() { Look(); }
  void StartNow() { Looked(Find(rules_, path_, /*with_events=*/true)); }

  // The path may name another namespace than before, or none.
  void PathMayHaveChanged();

  // Why it does not follow; OK otherwise. It goes on trying.
  const absl::Status& problem() const { return problem_; }

 private:
  struct Found {
    std::unique_ptr<netlink::NetlinkSocket> events;  // the first time
    std::vector<netlink::GenlFamily> families;       // with the groups that are offered
    netlink::NamespaceId where;                      // of a path only
  };
  static absl::StatusOr<Found> Find(const netlink::NetlinkRules& rules, const std::string& path,
                                    bool with_events);

  static absl::StatusOr<Found> FindHere(const netlink::NetlinkRules& rules, const std::string& path,
                                        bool with_events);

  void Look();
  void Looked(absl::StatusOr<Found> found);
  bool HasLostItsName() const;
  void Leave();
  absl::Status Watch(std::unique_ptr<netlink::NetlinkSocket> events);
  void ReadEvents();
  void Fail(absl::Status status);
  void SetProblem(absl::Status problem);

  EventLoop& loop_;
  BlockingCalls& calls_;
  const netlink::NetlinkRules& rules_;
  const std::string path_;
  const OnFamilies on_families_;
  const std::function<void()> on_gone_;
  const std::function<void()> on_problem_;
  std::unique_ptr<netlink::NetlinkSocket> events_;  // nlctrl's
  std::unique_ptr<FdWatch> watch_;
  netlink::NamespaceId where_;  // of events_, if there is a path
  bool is_looking_ = false;
  bool look_again_ = false;
  absl::Status problem_;
  absl::Duration retry_delay_;
  Timer retry_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_NETLINK_FOLLOWER_H_
