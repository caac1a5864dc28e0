// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KERNEL_FOLLOWER_H_
#define KCHAN_BRIDGE_SOURCE_KERNEL_FOLLOWER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bridge/hub/hub.h"
#include "bridge/netlink/genl_family.h"
#include "bridge/netlink/genl_socket.h"
#include "bridge/source/blocking_calls.h"
#include "bridge/source/channel_source.h"
#include "bridge/source/control_pool.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/kernel_link.h"
#include "bridge/source/kernel_report.h"
#include "bridge/source/source_policy.h"

namespace kchan::source {

// Follows the module through its life, by announcements only: nlctrl's for the
// family "kchan" coming and going, the family's own for its channels. Looks for
// itself at the start, and when announcements were lost.
//
//   absent --family--> ABI fits? --no--> mismatch (until the family goes)
//                         | yes
//                         v
//                       ready <--> channels come and go
//                         | QUIESCE
//                         v
//                      quiesced --family gone--> absent
//
// Thread safety: the source thread only (or before it runs).
class KernelFollower {
 public:
  // `is_taken` says which names are not the module's to give; `let_go` makes
  // others give back what they hold of the module.
  KernelFollower(EventLoop& loop, hub::Hub& hub, KernelReport& report_to, ControlPool& pool,
                 BlockingCalls& calls, const LinkOptions& link_options, SourcePolicyFor policy_for,
                 std::function<bool(const std::string& channel)> is_taken,
                 std::function<void()> let_go);
  ~KernelFollower();

  // Opens its socket and takes the first look. A status: no such socket.
  absl::Status Start();

  void DemandChanged(const std::string& channel);
  void SetPolicy(SourcePolicyFor policy_for);
  // Asks the kernel how a channel is now, and tells the hub.
  void ReadBack(const std::string& channel);

 private:
  // Events.
  void ReadEvents();
  void OnEvent(const netlink::GenlMessage& message);
  void OnFamilyEvent(const netlink::GenlMessage& message);
  void OnChannelEvent(const netlink::GenlMessage& message);
  void OnQuiesce();

  // The family. `may_load`: let the kernel load the module.
  void Look(bool may_load);
  void Connect(netlink::GenlFamily family);
  absl::Status TryConnect(const netlink::GenlFamily& family);
  void Disconnect();
  void Drop();

  // Channels.
  absl::Status Refresh();
  void Apply(const ChannelMessage& message);
  void Refuse(const std::string& name, const std::string& reason);
  void TryRefused();
  void ForgetRemoved();
  ChannelSource* FindSource(const std::string& name);

  // Tells the hub.
  void SetReady(const NodeMessage& node);
  void Report();
  void Fail(const absl::Status& status);

  EventLoop& loop_;
  hub::Hub& hub_;
  KernelReport& report_to_;
  ControlPool& pool_;
  const LinkOptions link_options_;
  ChannelSourceContext context_;
  const std::function<bool(const std::string&)> is_taken_;
  const std::function<void()> let_go_;
  std::unique_ptr<netlink::GenlMulticast> events_;
  std::unique_ptr<FdWatch> watch_;
  bool events_lost_ = false;
  std::optional<netlink::GenlFamily> family_;                      // while it is registered
  std::unique_ptr<ModuleLink> link_;                               // while its ABI fits
  std::map<std::string, std::unique_ptr<ChannelSource>> sources_;  // before link_ goes
  std::map<std::string, std::string> refused_;  // channels without a place in the hub, and why
  hub::KernelSideStatus status_;                // without the channels' problems
  Timer retry_;                                 // after Fail()
  absl::Duration retry_delay_;
  Timer report_;  // many changes, one report
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KERNEL_FOLLOWER_H_
