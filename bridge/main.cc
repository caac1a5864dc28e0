// SPDX-License-Identifier: Apache-2.0
// kchand: relays the channels of this node's kernel to remote clients.
#include <malloc.h>
#include <pthread.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "bridge/config/flags.h"
#include "bridge/confine/capabilities.h"
#include "bridge/confine/system_calls.h"
#include "bridge/daemon.h"
#include "bridge/ending.h"
#include "bridge/logging.h"
#include "bridge/node_identity.h"
#include "bridge/passed_by_systemd.h"
#include "bridge/service_notify.h"
#include "bridge/source/quiesce.h"
#include "spdlog/spdlog.h"

namespace kchan {
namespace {

// Once the streams have ended, connections and the kernel side need a moment.
constexpr std::chrono::seconds kLetGo(2);

// A daemon that streams frees and allocates batches all the time. By default
// glibc gives freed memory back to the kernel at once and pays for it with a
// page fault each time; that costs more than the rest of the sending.
void TuneMalloc() {
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
}

// The signals that main waits for; blocked in every thread, so that no code
// runs in a signal handler.
sigset_t BlockSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

std::string WhatAnybodyMay(const config::Config& config, const rpc::Listener& listener,
                           const char* identity) {
  std::string what = listener.right == rpc::Right::kControl
                         ? "read every channel and write to the kernel"
                         : "read every channel";
  if (config.server.policy != nullptr) {
    what += std::string(", as far as the policy gives that to ") + identity;
  }
  return what;
}

// Before there is any other thread: each inherits what is left.
absl::Status Confine(const config::Confinement& confinement) {
  if (!confinement.keep_capabilities) {
    const auto kept = confine::CapabilitiesFor(confinement.features);
    if (absl::Status status = confine::KeepOnly(kept); !status.ok()) return status;
  }
  if (confinement.any_system_call) return absl::OkStatus();
  return confine::AllowOnlyOurSystemCalls(confinement.features.network_namespaces);
}

void LogConfinement(const config::Confinement& confinement) {
  spdlog::info("confined: capabilities {}, system calls {}",
               confinement.keep_capabilities
                   ? "as started with"
                   : confine::NamesOf(confine::CapabilitiesFor(confinement.features)),
               confinement.any_system_call ? "any" : "ours");
}

void WarnOfInsecure(const config::Config& config) {
  for (const rpc::Listener& listener : config.server.listeners) {
    const auto* tcp = std::get_if<rpc::TcpListener>(&listener.where);
    if (tcp == nullptr || (tcp->tls && !tcp->tls->client_ca_file.empty())) continue;
    if (tcp->tls) {
      spdlog::warn("listener {}: asks for no client certificates; whoever reaches it may {}",
                   tcp->address, WhatAnybodyMay(config, listener, "anonymous:tls"));
    } else {
      spdlog::warn(
          "listener {}: INSECURE{}: neither encrypted nor authenticated; whoever reaches it may {}",
          tcp->address, tcp->is_remote ? " AND NOT ON LOOPBACK" : "",
          WhatAnybodyMay(config, listener, "anonymous:insecure"));
    }
  }
}

void LogMetrics(const config::Config& config, const std::string& address) {
  if (!config.metrics) return;
  spdlog::info("figures for Prometheus: http://{}/metrics", address);
  if (config.metrics->is_loopback) return;
  spdlog::warn("metrics {}: whoever reaches it may read channels' names and figures",
               config.metrics->address);
}

void LogKernelSide(const hub::KernelSideStatus& status) {
  if (!status.module_version.empty()) {
    spdlog::info("kernel side: kchan {} (ABI {})", status.module_version, status.module_abi);
  }
  for (const hub::Problem& problem : status.problems) {
    spdlog::warn("{}: {}; {}", problem.subject, problem.description, problem.remedy);
  }
}

void Reload(const config::Flags& flags, Daemon& daemon) {
  NotifyReloading();
  if (auto config = config::Load(flags); config.ok()) {
    StartLogging(config->logging);
    daemon.Reload(*config);
    spdlog::info(
        "configuration read again: logging, channels and policy apply now, the rest after a "
        "restart");
  } else {
    spdlog::error("configuration not changed: {}", std::string(config.status().message()));
    daemon.LookAtSecurity();
  }
  NotifyServiceManager("READY=1");
}

// Until told to stop.
void Serve(const config::Flags& flags, const sigset_t& signals, Daemon& daemon) {
  while (true) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) {
      spdlog::info("stopping: signal {}", signal);
      return;
    }
    Reload(flags, daemon);
  }
}

// For an administrator of this node: nothing is served.
int Quiesce() {
  const absl::Status status = source::QuiesceModule();
  if (status.ok()) return 0;
  std::fprintf(stderr, "kchand: %s\n", std::string(status.message()).c_str());
  return 1;
}

int Main(int argc, char** argv) {
  TuneMalloc();
  int exit_code = 0;
  const auto flags = config::ParseFlags(argc, argv, Version(), &exit_code);
  if (!flags) return exit_code;
  if (flags->quiesce_module) return Quiesce();
  const auto config = config::Load(*flags);
  if (!config.ok()) {
    std::fprintf(stderr, "kchand: %s\n", std::string(config.status().message()).c_str());
    return 2;
  }
  if (flags->check_config) return 0;
  auto passed = TakeSocketsOfServiceManager();
  if (!passed.ok()) {
    std::fprintf(stderr, "kchand: %s\n", std::string(passed.status().message()).c_str());
    return 1;
  }

  if (absl::Status status = Confine(config->confinement); !status.ok()) {
    std::fprintf(stderr,
                 "kchand: cannot confine itself: %s; see `confinement` in its configuration\n",
                 std::string(status.message()).c_str());
    return 1;
  }
  StartLogging(config->logging);
  LogConfinement(config->confinement);
  const sigset_t signals = BlockSignals();
  WarnOfInsecure(*config);
  auto daemon = Daemon::Start(*config, *std::move(passed));
  if (!daemon.ok()) {
    spdlog::error("kchand cannot start: {}", std::string(daemon.status().message()));
    return 1;
  }
  LogKernelSide((*daemon)->hub().kernel_side());
  for (const std::string& address : (*daemon)->addresses()) spdlog::info("serving {}", address);
  LogMetrics(*config, (*daemon)->metrics_address());
  NotifyServiceManager("READY=1");
  Serve(*flags, signals, **daemon);
  NotifyServiceManager("STOPPING=1");
  EndWithin(config->server.drain_timeout + kLetGo, signals, (*daemon)->running_calls());
  daemon->reset();
  spdlog::info("stopped");
  return 0;
}

}  // namespace
}  // namespace kchan

int main(int argc, char** argv) { return kchan::Main(argc, argv); }
