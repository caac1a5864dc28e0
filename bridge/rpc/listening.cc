// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/listening.h"

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bridge/rpc/keepalive.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace kchan::rpc {
namespace {

constexpr int kMinPingIntervalMs = 10'000;

void Configure(const ServerLimits& limits, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(limits.max_request_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.max_streams_per_connection);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMs);
}

absl::Status Serve(Core& core, const Entrance& entrance,
                   const std::shared_ptr<grpc::ServerCredentials>& credentials,
                   Listening& listening) {
  listening.channel_service = std::make_unique<ChannelService>(core, entrance);
  listening.node_service = std::make_unique<NodeService>(core, entrance);
  grpc::ServerBuilder builder;
  Configure(core.options.limits, builder);
  listening.connections = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
  builder.RegisterService(listening.channel_service.get());
  builder.RegisterService(listening.node_service.get());
  if (core.netlink != nullptr) {
    listening.netlink_service = std::make_unique<NetlinkService>(core, *core.netlink, entrance);
    builder.RegisterService(listening.netlink_service.get());
  }
  listening.server = builder.BuildAndStart();
  if (listening.server != nullptr) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("gRPC cannot serve ", entrance.address));
}

absl::StatusOr<Listening> Listen(Core& core, Right right, const UnixListener& unix_listener,
                                 PassedSockets& passed) {
  auto sockets = ListeningSocket::Open(unix_listener, passed);
  if (!sockets.ok()) return sockets.status();
  Listening listening;
  listening.sockets = *std::move(sockets);
  listening.address = absl::StrCat("unix:", unix_listener.path);
  const std::string usual = right == Right::kControl ? "unix:control" : "unix:read";
  const Entrance entrance{.address = listening.address,
                          .right = right,
                          .is_local = true,
                          .identity = security::OfUnixListener(
                              unix_listener.identity.empty() ? usual : unix_listener.identity)};
  absl::Status status = Serve(core, entrance, grpc::InsecureServerCredentials(), listening);
  if (!status.ok()) return status;
  return listening;
}

absl::StatusOr<Listening> Listen(Core& core, Right right, const TcpListener& tcp,
                                 PassedSockets& passed) {
  Listening listening;
  Entrance entrance{.address = tcp.address, .right = right};
  if (tcp.tls) {
    auto tls = ServerTls::Open(*tcp.tls);
    if (!tls.ok()) return tls.status();
    listening.tls = *std::move(tls);
  }
  if (!tcp.tls || tcp.tls->client_ca_file.empty()) {
    entrance.identity = security::OfAnonymous(/*has_tls=*/tcp.tls.has_value());
  }
  auto sockets = ListeningSocket::Open(tcp, passed);
  if (!sockets.ok()) return sockets.status();
  listening.sockets = *std::move(sockets);
  listening.address = absl::StrCat(tcp.address.substr(0, tcp.address.rfind(':')), ":",
                                   listening.sockets[0].address().port());
  absl::Status status = Serve(
      core, entrance,
      listening.tls ? listening.tls->Credentials() : grpc::InsecureServerCredentials(), listening);
  if (!status.ok()) return status;
  return listening;
}

}  // namespace

absl::StatusOr<Listening> Listen(Core& core, const Listener& listener, PassedSockets& passed) {
  return std::visit([&](const auto& where) { return Listen(core, listener.right, where, passed); },
                    listener.where);
}

}  // namespace kchan::rpc
