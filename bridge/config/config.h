// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_CONFIG_H_
#define KCHAN_BRIDGE_CONFIG_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/confine/capabilities.h"
#include "bridge/hub/cpus.h"
#include "bridge/hub/hub.h"
#include "bridge/netlink/netlink_options.h"
#include "bridge/rpc/server_options.h"
#include "bridge/source/host_options.h"
#include "bridge/source/link_options.h"
#include "bridge/source/source_policy.h"
#include "bridge/spool/options.h"

namespace kchan::config {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

struct Logging {
  LogLevel level = LogLevel::kInfo;
  bool json = false;
};

// How the channels that match `glob` are read and kept.
struct ChannelRule {
  std::string glob;
  source::SourcePolicy policy;
  hub::LogLimits log;
  std::optional<spool::SpoolLimits> spool;  // nothing: no history on disk
};

// Where histories on disk are.
struct Spool {
  std::string directory;
  uint64_t max_total_bytes = 4ull << 30;
  uint64_t max_read_bytes = 16ull << 20;

  friend bool operator==(const Spool&, const Spool&) = default;
};

// Where figures for Prometheus are served.
struct Metrics {
  std::string address;  // HOST:PORT
  bool is_loopback = true;
};

// What kchand takes from itself.
struct Confinement {
  confine::Features features;  // that this configuration has
  bool keep_capabilities = false;
  bool any_system_call = false;
};

// Everything that kchand is told, checked, with its defaults filled in.
// kchan.config.v1.Config documents each part.
struct Config {
  Logging logging;
  hub::HubLimits hub;
  hub::LogLimits log;  // of channels that no rule is about
  std::vector<ChannelRule> channels;
  rpc::ServerOptions server;  // with the policy, once Load() has read it
  std::string policy_file;    // empty: none
  source::HostOptions host;   // channels that need no module
  source::LinkOptions link;   // the module's
  netlink::NetlinkOptions netlink;
  std::optional<hub::Cpus> source_cpus;
  Confinement confinement;
  std::optional<Metrics> metrics;  // nothing: none are served
  std::optional<Spool> spool;      // nothing: no channel has a history on disk

  // The first rule that matches, or null.
  const ChannelRule* FindRule(std::string_view channel) const;
};

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_CONFIG_H_
