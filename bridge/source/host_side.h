// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_HOST_SIDE_H_
#define KCHAN_BRIDGE_SOURCE_HOST_SIDE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/source/channel_source.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/host_channel.h"
#include "bridge/source/kernel_link.h"
#include "bridge/source/kernel_report.h"
#include "bridge/source/source_policy.h"

namespace kchan::source {

// What ChannelSource asks of channels that are always there.
//
// Thread safety: as HostChannel.
class HostLink final : public KernelLink {
 public:
  // The first of those that have one name is kept.
  explicit HostLink(std::vector<std::unique_ptr<HostChannel>> channels);

  StartAttach Attach(const ChannelMessage& channel, hub::ValueFeed& values) override;
  absl::StatusOr<hub::Schema> GetSchema(const std::string& channel) override;
  absl::StatusOr<ChannelMessage> GetChannel(const std::string& channel) override;

  // Null: none of this name.
  HostChannel* Find(const std::string& channel) const;
  const std::map<std::string, std::unique_ptr<HostChannel>>& channels() const { return channels_; }

 private:
  const std::map<std::string, std::unique_ptr<HostChannel>> channels_;
};

// The channels that need no module: puts them into the hub, reads those that
// are wanted, and is the way down to them.
//
// Thread safety: the source thread (or before it runs); Has() and the three
// ways down from any thread. The ways down may block.
class HostSide {
 public:
  HostSide(EventLoop& loop, hub::Hub& hub, KernelReport& report,
           std::vector<std::unique_ptr<HostChannel>> channels, SourcePolicyFor policy_for);
  ~HostSide();

  // Offers the channels to the hub.
  void Start();
  void SetPolicy(SourcePolicyFor policy_for);
  void DemandChanged(const std::string& channel);

  // Whether `channel` is one of these; the same from the constructor on. For
  // others the rest is NOT_FOUND.
  bool Has(const std::string& channel) const { return link_.Find(channel) != nullptr; }
  hub::KernelAnswer Publish(const std::string& channel, uint32_t type,
                            std::span<const std::byte> payload);
  absl::StatusOr<hub::ValueSnapshot> ReadValues(const std::string& channel);
  absl::StatusOr<hub::ValueChanged> ChangeValue(const std::string& channel,
                                                const hub::ValueChange& change);

 private:
  // Those that are not offered yet.
  void Offer();
  SourcePolicy PolicyOf(std::string_view channel) const;
  void Report();

  hub::Hub& hub_;
  KernelReport& report_;
  SourcePolicyFor policy_for_;
  ChannelSourceContext context_;
  HostLink link_;
  std::map<std::string, std::unique_ptr<ChannelSource>> sources_;  // before link_ goes
  std::vector<hub::Problem> refused_;  // of channels that are not in sources_
  Timer report_soon_;                  // many changes, one report
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_HOST_SIDE_H_
