// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_CORE_H_
#define KCHAN_BRIDGE_RPC_CORE_H_

#include <chrono>
#include <memory>
#include <string>

#include "bridge/hub/hub.h"
#include "bridge/rpc/door_threads.h"
#include "bridge/rpc/lanes.h"
#include "bridge/rpc/open_streams.h"
#include "bridge/rpc/server_options.h"

namespace kchan::rpc {

// What all listeners' services share.
struct Core {
  Core(hub::Hub& the_hub, const ServerOptions& the_options)
      : hub(the_hub),
        options(the_options),
        door_threads(options.limits.door_threads, options.limits.door_queue),
        lanes(hub, options.serving_threads),
        subscriptions("subscriptions", options.limits.max_subscriptions),
        watches("watches", options.limits.max_watches),
        publishers("publishers", options.limits.max_publishers),
        value_watches("value_watches", options.limits.max_value_watches),
        block_transfers("block_transfers", options.limits.max_block_transfers) {}

  void Audit(const std::string& line) const {
    if (options.audit) options.audit(line);
  }

  hub::Hub& hub;
  const ServerOptions options;
  const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  DoorThreads door_threads;
  Lanes lanes;
  OpenStreams subscriptions;
  OpenStreams watches;
  OpenStreams publishers;
  OpenStreams value_watches;
  OpenStreams block_transfers;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_CORE_H_
