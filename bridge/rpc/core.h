// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_CORE_H_
#define KCHAN_BRIDGE_RPC_CORE_H_

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "bridge/hub/field_masks.h"
#include "bridge/hub/hub.h"
#include "bridge/netlink/netlink_engine.h"
#include "bridge/rpc/door_threads.h"
#include "bridge/rpc/lanes.h"
#include "bridge/rpc/open_streams.h"
#include "bridge/rpc/policy_in_force.h"
#include "bridge/rpc/server_options.h"
#include "bridge/rpc/server_stats.h"
#include "bridge/security/audit_log.h"

namespace kchan::rpc {

// What all listeners' services share.
struct Core {
  // `the_netlink` may be null.
  Core(hub::Hub& the_hub, const ServerOptions& the_options,
       const netlink::NetlinkEngine* the_netlink)
      : hub(the_hub),
        options(the_options),
        netlink(the_netlink),
        policy(options.policy),
        audit(options.audit),
        door_threads(options.limits.door_threads, options.limits.door_queue),
        netlink_threads(netlink == nullptr ? 0 : options.limits.max_netlink_requests,
                        options.limits.door_queue),
        lanes(hub, options.serving_threads),
        subscriptions("subscriptions", options.limits.max_subscriptions),
        watches("watches", options.limits.max_watches),
        publishers("publishers", options.limits.max_publishers),
        value_watches("value_watches", options.limits.max_value_watches),
        block_transfers("block_transfers", options.limits.max_block_transfers),
        netlink_requests("netlink_requests", options.limits.max_netlink_requests) {}

  hub::Hub& hub;
  const ServerOptions options;
  const netlink::NetlinkEngine* const netlink;  // null: there is no such service
  PolicyInForce policy;
  security::AuditLog audit;
  const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  DoorThreads door_threads;
  // Apart from those: no channel waits for a family that does not answer.
  DoorThreads netlink_threads;
  Lanes lanes;
  ServerStats stats;
  OpenStreams subscriptions;
  OpenStreams watches;
  OpenStreams publishers;
  OpenStreams value_watches;
  OpenStreams block_transfers;
  OpenStreams netlink_requests;
  hub::FieldMasks field_masks;

  // All of those.
  std::array<OpenStreams*, 6> all_streams() {
    return {&subscriptions, &watches,         &publishers,
            &value_watches, &block_transfers, &netlink_requests};
  }
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_CORE_H_
