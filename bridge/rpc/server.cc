// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/server.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "bridge/rpc/acceptor.h"
#include "bridge/rpc/core.h"
#include "bridge/rpc/health_watch.h"
#include "bridge/rpc/listening.h"
#include "bridge/rpc/passed_sockets.h"
#include "bridge/rpc/status.h"
#include "grpc/grpc.h"
#include "grpcpp/ext/channelz_service_plugin.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"

namespace kchan::rpc {
namespace {

// A client that says good-bye does so at once.
constexpr auto kConnectionDrain = std::chrono::milliseconds(200);

// gRPC and its plugins are switched on for a whole process.
void EnableStandardServices(bool channelz) {
  static std::once_flag once;
  std::call_once(once, [] {
    // Never undone: when its last user goes, gRPC 1.51 now and then waits 10 s
    // for a poller of its own, and a daemon has to stop in time.
    grpc_init();
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
  static std::once_flag channelz_once;
  if (channelz)
    std::call_once(channelz_once, [] { grpc::channelz::experimental::InitChannelzService(); });
}

}  // namespace

class Server::Impl {
 public:
  Impl(hub::Hub& hub, const ServerOptions& options, const netlink::NetlinkEngine* netlink)
      : core_(hub, options, netlink),
        health_(std::make_shared<HealthWatch>(core_.lanes.first().pump, hub,
                                              [this](bool serving) { TellHealth(serving); })) {}

  ~Impl() { Shutdown(); }

  absl::Status Start(PassedSockets passed) {
    core_.lanes.Start();
    for (const Listener& listener : core_.options.listeners) {
      absl::StatusOr<Listening> listening = Listen(core_, listener, passed);
      if (!listening.ok()) return listening.status();
      listening_.push_back(*std::move(listening));
    }
    if (absl::Status status = passed.NoneIsLeft(); !status.ok()) return status;
    TellHealth(false);  // until the first look; never unknown
    health_->Notify();
    return StartAccepting();
  }

  std::vector<std::string> addresses() const {
    std::vector<std::string> all;
    for (const Listening& listening : listening_) all.push_back(listening.address);
    return all;
  }

  void SetPolicy(std::shared_ptr<const security::Authorizer> policy) {
    core_.policy.Set(std::move(policy));
    for (OpenStreams* streams : core_.all_streams()) streams->TellPolicyChanged();
  }

  std::vector<TlsState> ReloadCertificates() {
    std::vector<TlsState> all;
    for (const Listening& listening : listening_) {
      if (listening.tls == nullptr) continue;
      absl::Status status = listening.tls->Reload();
      all.push_back(StateOf(listening, std::move(status)));
    }
    return all;
  }

  std::vector<TlsState> certificates() const {
    std::vector<TlsState> all;
    for (const Listening& listening : listening_) {
      if (listening.tls != nullptr) all.push_back(StateOf(listening, absl::OkStatus()));
    }
    return all;
  }

  std::vector<ConnectionCount> connections() const { return acceptor_->Count(); }

  Core& core() { return core_; }

  void Shutdown() {
    if (std::exchange(is_shut_down_, true)) return;
    if (acceptor_ != nullptr) acceptor_->Stop();
    for (const Listening& listening : listening_) {
      listening.server->GetHealthCheckService()->Shutdown();
    }
    EndStreams();
    // What is left now are idle connections and streams that nobody reads.
    const auto deadline = std::chrono::system_clock::now() + kConnectionDrain;
    for (const Listening& listening : listening_) listening.server->Shutdown(deadline);
    core_.door_threads.Stop();
    core_.netlink_threads.Stop();
    health_->Stop();
    core_.lanes.Stop();
  }

 private:
  static TlsState StateOf(const Listening& listening, absl::Status files_status) {
    return {.address = listening.address,
            .files = listening.tls->files(),
            .certificates = listening.tls->certificates(),
            .files_status = std::move(files_status)};
  }

  absl::Status StartAccepting() {
    std::vector<Door> doors;
    for (Listening& listening : listening_) {
      doors.push_back({.address = listening.address,
                       .sockets = std::move(listening.sockets),
                       .server = std::move(listening.connections)});
    }
    const ServerOptions& options = core_.options;
    auto acceptor = Acceptor::Start(std::move(doors), options.limits.max_connections, options.warn);
    if (!acceptor.ok()) return acceptor.status();
    acceptor_ = *std::move(acceptor);
    return absl::OkStatus();
  }

  void EndStreams() {
    const absl::Status status = WithReason(
        absl::UnavailableError("the daemon is shutting down: try again"), "SHUTTING_DOWN");
    const auto deadline = std::chrono::steady_clock::now() + core_.options.drain_timeout;
    for (OpenStreams* streams : core_.all_streams()) streams->EndAll(status);
    for (OpenStreams* streams : core_.all_streams()) streams->AwaitEmpty(deadline);
  }

  void TellHealth(bool serving) {
    for (const Listening& listening : listening_) {
      listening.server->GetHealthCheckService()->SetServingStatus(
          v1::ChannelService::service_full_name(), serving);
    }
  }

  Core core_;
  const std::shared_ptr<HealthWatch> health_;
  std::vector<Listening> listening_;    // not changed once a lane may see it
  std::unique_ptr<Acceptor> acceptor_;  // null: it did not come to that
  bool is_shut_down_ = false;
};

absl::StatusOr<std::unique_ptr<Server>> Server::Start(hub::Hub& hub, const ServerOptions& options,
                                                      const netlink::NetlinkEngine* netlink,
                                                      std::vector<PassedSocket> passed) {
  auto sockets = PassedSockets::From(std::move(passed));
  if (!sockets.ok()) return sockets.status();
  // All threads that serve are made from here on, by this one or by each other.
  std::optional<hub::OnCpus> placed;
  if (options.cpus) placed.emplace(*options.cpus);
  EnableStandardServices(options.channelz);
  auto impl = std::make_unique<Impl>(hub, options, netlink);
  if (absl::Status status = impl->Start(*std::move(sockets)); !status.ok()) return status;
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

const NodeIdentity& Server::node() const { return impl_->core().options.node; }
const ServerStats& Server::stats() const { return impl_->core().stats; }

std::vector<StreamCount> Server::streams() const {
  std::vector<StreamCount> counts;
  for (const OpenStreams* streams : impl_->core().all_streams()) {
    counts.push_back({streams->kind(), streams->size(), streams->max()});
  }
  return counts;
}

std::vector<ConnectionCount> Server::connections() const { return impl_->connections(); }

std::vector<std::string> Server::addresses() const { return impl_->addresses(); }
void Server::SetPolicy(std::shared_ptr<const security::Authorizer> policy) {
  impl_->SetPolicy(std::move(policy));
}

std::vector<Server::TlsState> Server::ReloadCertificates() { return impl_->ReloadCertificates(); }
std::vector<Server::TlsState> Server::certificates() const { return impl_->certificates(); }

void Server::Shutdown() { impl_->Shutdown(); }

}  // namespace kchan::rpc
