// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_DAEMON_H_
#define KCHAN_BRIDGE_DAEMON_H_

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/config/config.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/running_calls.h"
#include "bridge/metrics/exporter.h"
#include "bridge/netlink/netlink_engine.h"
#include "bridge/rpc/server.h"
#include "bridge/security_watch.h"
#include "bridge/source/kernel_side.h"
#include "bridge/spool/spool.h"

namespace kchan {

// The parts of kchand, put together in the order of their dependence.
//
// Thread safety: one thread, the main one.
class Daemon {
 public:
  // Fails if it cannot listen, or may not talk to the kernel at all. That the
  // kernel side is missing is no failure: it is a state, shown to clients.
  // `passed` are used by the listeners that have their addresses.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(const config::Config& config,
                                                       std::vector<rpc::PassedSocket> passed = {});

  // Ends all streams, then lets go of the kernel side. Waits for calls into the
  // kernel that have not returned.
  ~Daemon();

  // Applies what can change while it runs: rules and bounds of channels, and the
  // policy.
  void Reload(const config::Config& config);

  // Reads policy and certificates again, also where the configuration has a mistake.
  void LookAtSecurity();

  // The calls into the kernel that run now; outlives this.
  std::shared_ptr<const hub::RunningCalls> running_calls() const { return running_; }

  std::vector<std::string> addresses() const { return server_->addresses(); }
  // Where figures for Prometheus are served: "127.0.0.1:9464"; empty: nowhere.
  std::string metrics_address() const { return exporter_ ? exporter_->address() : ""; }
  hub::Hub& hub() { return hub_; }

 private:
  explicit Daemon(const config::Config& config);

  absl::Status StartParts(std::vector<rpc::PassedSocket> passed);
  absl::Status StartMetrics();
  hub::LogLimits LogLimitsOf(std::string_view channel) const;
  source::SourcePolicy PolicyOf(std::string_view channel) const;

  // daemon_spool.cc
  void StartSpool();
  void OfferSpooledChannels();
  // What a new configuration says of spools and does not apply before a restart.
  void WarnOfSpoolChanges(const config::Config& config) const;
  std::optional<spool::SpoolLimits> SpoolLimitsOf(std::string_view channel) const;

  mutable std::mutex config_mutex_;
  config::Config config_;  // guarded by config_mutex_
  const std::shared_ptr<hub::RunningCalls> running_ = std::make_shared<hub::RunningCalls>();
  hub::Hub hub_;
  std::optional<config::Spool> running_spool_;  // what spool_ was made of
  std::unique_ptr<spool::Spool> spool_;         // null: there is none
  std::unique_ptr<source::KernelSide> kernel_side_;
  std::unique_ptr<netlink::NetlinkEngine> netlink_;  // null: netlink is disabled
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<SecurityWatch> security_watch_;
  std::unique_ptr<metrics::Exporter> exporter_;  // null: no figures are served
};

}  // namespace kchan

#endif  // KCHAN_BRIDGE_DAEMON_H_
