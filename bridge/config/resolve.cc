// SPDX-License-Identifier: Apache-2.0
// From what the file says to what it means.
#include <unistd.h>

#include <array>
#include <chrono>
#include <climits>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "bridge/config/address.h"
#include "bridge/config/field.h"
#include "bridge/config/parse.h"
#include "bridge/config/resolve_confinement.h"
#include "bridge/config/resolve_files.h"
#include "bridge/config/resolve_host.h"
#include "bridge/config/resolve_metrics.h"
#include "bridge/config/resolve_netlink.h"
#include "bridge/config/resolve_spool.h"
#include "bridge/config/resolve_threads.h"
#include "bridge/hub/subscription.h"

namespace kchan::config {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kMaxBytes = 1ull << 40;
constexpr char kDefaultDirectory[] = "/run/kchan";

absl::StatusOr<rpc::Right> ToRight(const std::string& field, v1::Right right) {
  switch (right) {
    case v1::RIGHT_UNSPECIFIED:
    case v1::RIGHT_READ:
      return rpc::Right::kRead;
    case v1::RIGHT_CONTROL:
      return rpc::Right::kControl;
    default:
      return Bad(field, "must be RIGHT_READ or RIGHT_CONTROL");
  }
}

absl::StatusOr<rpc::Tls> ToTls(const std::string& field, const v1::Tls& from) {
  if (from.certificate_file().empty()) return Bad(field + ".certificate_file", "is needed");
  if (from.key_file().empty()) return Bad(field + ".key_file", "is needed");
  if (from.client_ca_file().empty() != from.allow_any_client()) {
    return Bad(field + ".client_ca_file",
               "give the file with who signs clients' certificates, or allow_any_client: true "
               "to ask for none; not both");
  }
  return rpc::Tls{from.certificate_file(), from.key_file(), from.client_ca_file()};
}

absl::StatusOr<rpc::Listener> ToListener(const std::string& field, const v1::TcpListener& from) {
  rpc::TcpListener tcp{from.address(), {}, false};
  std::string host;
  absl::Status status = SplitAddress(field + ".address", from.address(), host);
  if (!status.ok()) return status;
  if (from.has_tls() == from.insecure()) {
    return Bad(field, absl::StrCat(from.address(), " needs either tls or insecure: true"));
  }
  if (from.has_tls()) {
    auto tls = ToTls(field + ".tls", from.tls());
    if (!tls.ok()) return tls.status();
    tcp.tls = *std::move(tls);
  } else if (tcp.is_remote = !IsLoopback(host); tcp.is_remote && !from.allow_remote_insecure()) {
    return Bad(field + ".insecure",
               absl::StrCat(from.address(),
                            " is not a loopback address: everybody who reaches it "
                            "could connect. Use tls, or allow_remote_insecure: "
                            "true if something else protects it"));
  }
  auto right = ToRight(field + ".right", from.right());
  if (!right.ok()) return right.status();
  return rpc::Listener{std::move(tcp), *right};
}

absl::Status AddUnix(const std::string& name, const std::string& directory, rpc::Right right,
                     const v1::UnixAccess& from, rpc::ServerOptions& to) {
  rpc::UnixListener listener{absl::StrCat(directory, "/", name, ".sock"), 0660, from.group(),
                             from.identity()};
  if (!from.identity().empty()) {
    const absl::Status known = security::CheckIdentityGlob(from.identity());
    if (!known.ok() || !from.identity().starts_with("unix:") ||
        !hub::GlobIsLiteral(from.identity())) {
      return Bad(absl::StrCat("unix_sockets.", name, ".identity"),
                 absl::StrCat("'", from.identity(), "' must be unix:NAME"));
    }
  }
  absl::Status status = Number(absl::StrCat("unix_sockets.", name, ".mode"), from.has_mode(),
                               from.mode(), 0, 0777, listener.mode);
  if (!status.ok()) return status;
  to.listeners.push_back({std::move(listener), right});
  return absl::OkStatus();
}

absl::Status AddListeners(const v1::Config& from, rpc::ServerOptions& to) {
  const v1::UnixSockets& sockets = from.unix_sockets();
  const std::string directory = sockets.has_directory() ? sockets.directory() : kDefaultDirectory;
  if (!directory.empty()) {
    if (directory[0] != '/') return Bad("unix_sockets.directory", "must be an absolute path");
    absl::Status status = AddUnix("read", directory, rpc::Right::kRead, sockets.read(), to);
    status.Update(AddUnix("control", directory, rpc::Right::kControl, sockets.control(), to));
    if (!status.ok()) return status;
  }
  for (int i = 0; i < from.tcp_listeners_size(); ++i) {
    auto listener = ToListener(absl::StrCat("tcp_listeners[", i, "]"), from.tcp_listeners(i));
    if (!listener.ok()) return listener.status();
    to.listeners.push_back(*std::move(listener));
  }
  if (to.listeners.empty()) return Bad("tcp_listeners", "nothing to listen on: no sockets either");
  return absl::OkStatus();
}

absl::StatusOr<ChannelRule> ToRule(const std::string& field, const v1::ChannelRule& from,
                                   const hub::LogLimits& log) {
  ChannelRule to{from.glob(), {}, log, {}};
  if (absl::Status status = hub::CheckGlob(from.glob()); !status.ok()) {
    return Bad(field + ".glob", std::string(status.message()));
  }
  if (from.open() > v1::OPEN_ALWAYS || from.open() < 0) {
    return Bad(field + ".open", "must be OPEN_ON_DEMAND or OPEN_ALWAYS");
  }
  to.policy.always = from.open() == v1::OPEN_ALWAYS;
  uint32_t idle_seconds = 300;
  absl::Status status = Number(field + ".idle_close_seconds", from.has_idle_close_seconds(),
                               from.idle_close_seconds(), 0, 7 * 24 * 3600, idle_seconds);
  status.Update(Number(field + ".log_max_bytes", from.has_log_max_bytes(), from.log_max_bytes(),
                       kMiB, kMaxBytes, to.log.max_bytes));
  if (from.has_spool()) {
    to.spool.emplace();
    status.Update(ResolveChannelSpool(field + ".spool", from.spool(), *to.spool));
  }
  if (!status.ok()) return status;
  to.policy.idle_close = absl::Seconds(idle_seconds);
  to.log.may_be_held = from.allow_block();
  return to;
}

absl::Status ReadPolicyFile(const v1::Config& from, Config& to) {
  to.policy_file = from.policy_file();
  if (to.policy_file.empty()) return absl::OkStatus();
  if (to.policy_file[0] != '/') return Bad("policy_file", "must be an absolute path");
  if (!from.channelz()) return absl::OkStatus();
  return Bad("channelz", "shows everybody's connections to everybody: not with a policy_file");
}

absl::Status ReadMemory(const v1::Memory& from, Config& to) {
  absl::Status status = Number("memory.log_bytes", from.has_log_bytes(), from.log_bytes(), kMiB,
                               kMaxBytes, to.log.max_bytes);
  status.Update(Number("memory.max_log_bytes", from.has_max_log_bytes(), from.max_log_bytes(), kMiB,
                       kMaxBytes, to.hub.max_log_bytes));
  status.Update(Number("memory.max_pinned_bytes", from.has_max_pinned_bytes(),
                       from.max_pinned_bytes(), kMiB, kMaxBytes, to.hub.max_pinned_bytes));
  if (status.ok() && to.log.max_bytes > to.hub.max_log_bytes) {
    return Bad("memory.log_bytes", absl::StrCat("one channel's history (", to.log.max_bytes,
                                                ") exceeds that of all: memory.max_log_bytes (",
                                                to.hub.max_log_bytes, ")"));
  }
  return status;
}

absl::Status ReadLimits(const v1::Limits& from, Config& to) {
  rpc::ServerLimits& limits = to.server.limits;
  constexpr uint64_t kMany = 1'000'000;
  absl::Status status = Number("limits.max_channels", from.has_max_channels(), from.max_channels(),
                               1, kMany, to.hub.max_channels);
  status.Update(Number("limits.max_connections", from.has_max_connections(), from.max_connections(),
                       1, kMany, limits.max_connections));
  status.Update(Number("limits.max_subscriptions", from.has_max_subscriptions(),
                       from.max_subscriptions(), 1, kMany, limits.max_subscriptions));
  status.Update(Number("limits.max_watches", from.has_max_watches(), from.max_watches(), 1, kMany,
                       limits.max_watches));
  status.Update(Number("limits.max_publishers", from.has_max_publishers(), from.max_publishers(), 1,
                       kMany, limits.max_publishers));
  status.Update(Number("limits.max_value_watches", from.has_max_value_watches(),
                       from.max_value_watches(), 1, kMany, limits.max_value_watches));
  status.Update(Number("limits.max_block_transfers", from.has_max_block_transfers(),
                       from.max_block_transfers(), 1, kMany, limits.max_block_transfers));
  status.Update(Number("limits.max_netlink_requests", from.has_max_netlink_requests(),
                       from.max_netlink_requests(), 1, 1024, limits.max_netlink_requests));
  status.Update(Number("limits.max_streams_per_connection", from.has_max_streams_per_connection(),
                       from.max_streams_per_connection(), 1, kMany,
                       limits.max_streams_per_connection));
  status.Update(Number("limits.max_request_bytes", from.has_max_request_bytes(),
                       from.max_request_bytes(), 128 << 10, 64 << 20, limits.max_request_bytes));
  return status;
}

absl::Status ReadLogging(const v1::Logging& from, Logging& to) {
  to.json = from.json();
  switch (from.level()) {
    case v1::LOG_LEVEL_DEBUG:
      to.level = LogLevel::kDebug;
      return absl::OkStatus();
    case v1::LOG_LEVEL_UNSPECIFIED:
    case v1::LOG_LEVEL_INFO:
      to.level = LogLevel::kInfo;
      return absl::OkStatus();
    case v1::LOG_LEVEL_WARNING:
      to.level = LogLevel::kWarning;
      return absl::OkStatus();
    case v1::LOG_LEVEL_ERROR:
      to.level = LogLevel::kError;
      return absl::OkStatus();
    default:
      return Bad("logging.level", "must be one of LOG_LEVEL_DEBUG, _INFO, _WARNING, _ERROR");
  }
}

std::string HostName() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace

absl::StatusOr<Config> Resolve(const v1::Config& from) {
  Config to;
  to.server.node.name = from.node_name().empty() ? HostName() : from.node_name();
  to.server.channelz = from.channelz();
  uint32_t drain_ms = static_cast<uint32_t>(to.server.drain_timeout.count());
  absl::Status status = Number("drain_timeout_ms", from.has_drain_timeout_ms(),
                               from.drain_timeout_ms(), 100, 60'000, drain_ms);
  to.server.drain_timeout = std::chrono::milliseconds(drain_ms);
  status.Update(ReadLogging(from.logging(), to.logging));
  status.Update(ReadMemory(from.memory(), to));
  status.Update(ReadLimits(from.limits(), to));
  status.Update(ResolveSpool(from, to));
  status.Update(AddListeners(from, to.server));
  status.Update(ReadPolicyFile(from, to));
  if (!status.ok()) return status;
  for (int i = 0; i < from.channels_size(); ++i) {
    auto rule = ToRule(absl::StrCat("channels[", i, "]"), from.channels(i), to.log);
    if (!rule.ok()) return rule.status();
    to.channels.push_back(*std::move(rule));
  }
  status = ResolveFiles(from, to.link);
  status.Update(ResolveThreads(from.threads(), to));
  status.Update(ResolveMetrics(from, to));
  if (!status.ok()) return status;
  auto host = ResolveHost(from);
  if (!host.ok()) return host.status();
  to.host = *std::move(host);
  auto netlink = ResolveNetlink(from);
  if (!netlink.ok()) return netlink.status();
  to.netlink = *std::move(netlink);
  ResolveConfinement(from, to);
  return to;
}

}  // namespace kchan::config
