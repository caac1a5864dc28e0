// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_SERVER_STATS_H_
#define KCHAN_BRIDGE_RPC_SERVER_STATS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "bridge/hub/histogram.h"
#include "bridge/hub/log_batch.h"
#include "bridge/hub/subscription_options.h"

namespace kchan::rpc {

// The open calls of one kind.
struct StreamCount {
  std::string kind;  // "subscriptions"
  size_t open = 0;
  size_t max = 0;
};

// The connections of one listener.
struct ConnectionCount {
  std::string address;
  size_t open = 0;
  size_t max = 0;
  uint64_t accepted = 0;
  uint64_t refused = 0;   // as many as may be were open
  uint64_t failures = 0;  // of accepting: descriptors or memory were short, or the client gone
};

// What a server has done since it started.
//
// Thread safety: any thread.
struct ServerStats {
  void Opened(const hub::SubscriptionOptions& options);
  void Sending(const hub::LogBatch& batch);

  std::atomic<uint64_t> subscriptions{0};          // opened
  std::atomic<uint64_t> resumed_subscriptions{0};  // of these, with a cursor
  // Of each batch whose write begins: its size, and the age of its first record.
  hub::Histogram batch_bytes{{1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 512 << 10, 1 << 20}};
  hub::Histogram batch_age_seconds{
      {1e-5, 1e-4, 1e-3, 5e-3, 10e-3, 50e-3, 0.1, 0.5, 1, 5, 10, 60, 600}};
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_SERVER_STATS_H_
