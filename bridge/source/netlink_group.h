// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_NETLINK_GROUP_H_
#define KCHAN_BRIDGE_SOURCE_NETLINK_GROUP_H_

#include <cstdint>
#include <string>

#include "bridge/netlink/genl_family.h"
#include "bridge/netlink/netlink_rules.h"
#include "bridge/source/kernel_link.h"

namespace kchan::source {

// The group of a netlink family as a channel, in one network namespace: through
// all registrations of the family.
//
// Thread safety: the source thread only; what Attach() returns, as KernelLink
// says.
//
// Lifetime: outlives the sources that it attaches; the rules outlive it.
class NetlinkGroup final : public KernelLink {
 public:
  // `path`: of the namespace `network_namespace`; both are empty for this
  // process's own.
  NetlinkGroup(EventLoop& loop, const netlink::NetlinkRules& rules, const std::string& family,
               const std::string& group, const std::string& network_namespace, std::string path,
               int receive_bytes);

  // The family is there, with this id. True: it is another registration than
  // before.
  bool Register(const netlink::GenlFamily& family);
  bool is_registered() const { return is_registered_; }
  void Unregister() { is_registered_ = false; }

  const std::string& channel() const { return message_.description.name; }
  const ChannelMessage& message() const { return message_; }

  StartAttach Attach(const ChannelMessage& channel, hub::ValueFeed& values) override;
  absl::StatusOr<hub::Schema> GetSchema(const std::string& channel) override;
  absl::StatusOr<ChannelMessage> GetChannel(const std::string& channel) override;

 private:
  EventLoop& loop_;
  const netlink::NetlinkRules& rules_;
  const std::string family_;
  const std::string group_;
  const std::string path_;
  const int receive_bytes_;
  bool is_registered_ = false;
  uint16_t family_id_ = 0;
  uint32_t group_id_ = 0;
  ChannelMessage message_;    // its id counts the registrations
  hub::Schema schema_;        // of the registration
  uint32_t attached_id_ = 0;  // message_.id when a source was last attached; 0: never
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_NETLINK_GROUP_H_
