// SPDX-License-Identifier: Apache-2.0
#include "bridge/daemon.h"

#include <memory>
#include <utility>

#include "bridge/logging.h"
#include "bridge/node_identity.h"
#include "spdlog/spdlog.h"

namespace kchan {

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(const config::Config& config,
                                                      std::vector<rpc::PassedSocket> passed) {
  std::unique_ptr<Daemon> daemon(new Daemon(config));
  if (absl::Status status = daemon->StartParts(std::move(passed)); !status.ok()) return status;
  return daemon;
}

Daemon::Daemon(const config::Config& config)
    : config_(config),
      hub_(config.hub, [this](std::string_view channel) { return LogLimitsOf(channel); }) {}

absl::Status Daemon::StartParts(std::vector<rpc::PassedSocket> passed) {
  StartSpool();
  source::KernelSideOptions options;
  options.link = config_.link;
  options.host = config_.host;
  options.netlink = config_.netlink;
  options.cpus = config_.source_cpus;
  options.running = running_;
  options.policy_for = [this](std::string_view channel) { return PolicyOf(channel); };
  auto kernel_side = source::KernelSide::Start(hub_, std::move(options));
  if (!kernel_side.ok()) return kernel_side.status();
  kernel_side_ = *std::move(kernel_side);
  hub_.SetDoor(kernel_side_.get());

  rpc::ServerOptions server_options = config_.server;
  server_options.node = ThisNode(config_.server.node.name);
  server_options.audit = WriteAuditLine;
  server_options.warn = [](const std::string& line) { spdlog::warn("{}", line); };
  if (config_.netlink.enabled) {
    netlink_ = std::make_unique<netlink::NetlinkEngine>(config_.netlink);
    for (const netlink::RefusedSpec& refused : netlink_->specs().refused()) {
      spdlog::warn("netlink specification {} is not used: {}", refused.path, refused.reason);
    }
  }
  auto server = rpc::Server::Start(hub_, server_options, netlink_.get(), std::move(passed));
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  security_watch_ = std::make_unique<SecurityWatch>(*server_, hub_, config_.policy_file);
  return StartMetrics();
}

absl::Status Daemon::StartMetrics() {
  if (!config_.metrics) return absl::OkStatus();
  auto exporter = metrics::Exporter::Start(config_.metrics->address, hub_, *server_);
  if (!exporter.ok()) return exporter.status();
  exporter_ = *std::move(exporter);
  return absl::OkStatus();
}

Daemon::~Daemon() {
  security_watch_.reset();
  exporter_.reset();
  server_.reset();  // the last subscription ends here
  hub_.SetDoor(nullptr);
  kernel_side_.reset();
  if (spool_ != nullptr) spool_->Stop();  // it writes what sources left in the logs
}

void Daemon::Reload(const config::Config& config) {
  {
    std::lock_guard lock(config_mutex_);
    config_ = config;
  }
  WarnOfSpoolChanges(config);
  kernel_side_->SetPolicy([this](std::string_view channel) { return PolicyOf(channel); });
  hub_.UpdateLogLimits();
  if (spool_ != nullptr) spool_->UpdateLimits();
  security_watch_->SetPolicyFile(config.policy_file);
}

void Daemon::LookAtSecurity() { security_watch_->Look(); }

hub::LogLimits Daemon::LogLimitsOf(std::string_view channel) const {
  std::lock_guard lock(config_mutex_);
  const config::ChannelRule* rule = config_.FindRule(channel);
  return rule == nullptr ? config_.log : rule->log;
}

source::SourcePolicy Daemon::PolicyOf(std::string_view channel) const {
  std::lock_guard lock(config_mutex_);
  const config::ChannelRule* rule = config_.FindRule(channel);
  return rule == nullptr ? source::SourcePolicy() : rule->policy;
}

}  // namespace kchan
