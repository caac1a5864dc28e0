// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_NETLINK_CHANNELS_H_
#define KCHAN_BRIDGE_SOURCE_NETLINK_CHANNELS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bridge/hub/hub.h"
#include "bridge/hub/running_calls.h"
#include "bridge/netlink/genl_family.h"
#include "bridge/netlink/netlink_options.h"
#include "bridge/netlink/netlink_rules.h"
#include "bridge/source/blocking_calls.h"
#include "bridge/source/channel_source.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/kernel_report.h"
#include "bridge/source/mount_watch.h"
#include "bridge/source/netlink_follower.h"
#include "bridge/source/netlink_group.h"
#include "bridge/source/source_policy.h"

namespace kchan::source {

// The groups of all netlink families as channels, in all network namespaces that
// the options name: they come and go with their families.
//
// Thread safety: the source thread (or before it runs); Stop() from the thread
// that owns this.
class NetlinkChannels {
 public:
  NetlinkChannels(EventLoop& loop, hub::Hub& hub, KernelReport& report, hub::RunningCalls& running,
                  const netlink::NetlinkOptions& options, SourcePolicyFor policy_for);
  ~NetlinkChannels();

  // Offers those of this process's namespace, and begins to look in others.
  void Start();
  void SetPolicy(SourcePolicyFor policy_for);
  void DemandChanged(const std::string& channel);
  // Waits for its calls into the kernel; nothing happens after.
  void Stop() { calls_.Stop(); }

 private:
  // One channel, which outlives the family that it is of.
  struct Entry {
    std::unique_ptr<NetlinkGroup> group;
    std::unique_ptr<ChannelSource> source;  // before group goes; null: the hub is full
  };
  // One network namespace.
  struct Place {
    std::string name;  // empty: this process's own
    std::string path;
    std::unique_ptr<NetlinkFollower> follower;
    std::map<std::string, Entry> entries = {};  // by channel
  };

  void AddPlace(const std::string& name, const std::string& path);
  void Apply(Place& place, const std::vector<netlink::GenlFamily>& families);
  void ApplyGroup(Place& place, const netlink::GenlFamily& family, const std::string& group);
  void Offer(Entry& entry);
  void Gone(Entry& entry, const char* reason);
  // The namespace of a place has lost its name.
  void LeavePlace(Place& place);
  // Which namespaces have names, and which, is a matter of mounts.
  void WatchMounts();
  // Those whose families have gone and whose place in the hub others have taken.
  void Forget(Place& place);
  void Report();

  EventLoop& loop_;
  hub::Hub& hub_;
  KernelReport& report_;
  const netlink::NetlinkOptions options_;
  const netlink::NetlinkRules rules_;
  BlockingCalls calls_;
  ChannelSourceContext context_;
  Timer report_soon_;  // many changes, one report
  std::vector<std::unique_ptr<Place>> places_;
  std::unique_ptr<MountWatch> mounts_;  // where there are other namespaces
  absl::Status mounts_problem_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_NETLINK_CHANNELS_H_
