// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/listening.h"

#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bridge/rpc/unix_socket.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "grpcpp/server_builder.h"

namespace kchan::rpc {
namespace {

constexpr int kKeepAliveMs = 30'000;
constexpr int kKeepAliveTimeoutMs = 10'000;
constexpr int kMinPingIntervalMs = 10'000;
constexpr unsigned kCertificateRefreshSeconds = 60;

absl::Status CheckReadable(const std::string& file, const char* what) {
  if (access(file.c_str(), R_OK) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat(what, " ", file, " cannot be read"));
}

absl::Status CheckFiles(const Tls& tls) {
  absl::Status status = CheckReadable(tls.certificate_file, "certificate");
  status.Update(CheckReadable(tls.key_file, "key"));
  if (!tls.client_ca_file.empty()) status.Update(CheckReadable(tls.client_ca_file, "client CA"));
  return status;
}

// Reads the files again while it runs: certificates expire sooner than daemons.
std::shared_ptr<grpc::ServerCredentials> Credentials(const Tls& tls) {
  namespace experimental = grpc::experimental;
  const bool verifies = !tls.client_ca_file.empty();
  auto provider = verifies ? std::make_shared<experimental::FileWatcherCertificateProvider>(
                                 tls.key_file, tls.certificate_file, tls.client_ca_file,
                                 kCertificateRefreshSeconds)
                           : std::make_shared<experimental::FileWatcherCertificateProvider>(
                                 tls.key_file, tls.certificate_file, kCertificateRefreshSeconds);
  experimental::TlsServerCredentialsOptions options(provider);
  options.watch_identity_key_cert_pairs();
  if (verifies) options.watch_root_certs();
  options.set_cert_request_type(verifies
                                    ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                    : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  return experimental::TlsServerCredentials(options);
}

void Configure(const ServerLimits& limits, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(limits.max_request_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.max_streams_per_connection);
  // Two daemons on one port would each get a random half of the clients.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A client that vanished is noticed also while nothing is sent.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMs);
}

// Serves `address` (as gRPC writes it); returns the port.
absl::StatusOr<int> Serve(Core& core, Right right, const std::string& address,
                          const std::shared_ptr<grpc::ServerCredentials>& credentials,
                          Listening& listening) {
  listening.channel_service = std::make_unique<ChannelService>(core, right, address);
  listening.node_service = std::make_unique<NodeService>(core);
  grpc::ServerBuilder builder;
  Configure(core.options.limits, builder);
  int port = 0;
  builder.AddListeningPort(address, credentials, &port);
  builder.RegisterService(listening.channel_service.get());
  builder.RegisterService(listening.node_service.get());
  if (core.netlink != nullptr) {
    listening.netlink_service =
        std::make_unique<NetlinkService>(core, *core.netlink, right, address);
    builder.RegisterService(listening.netlink_service.get());
  }
  listening.server = builder.BuildAndStart();
  if (listening.server == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on ", address, ": is the address in use, or not one of this machine?"));
  }
  return port;
}

absl::StatusOr<Listening> Listen(Core& core, Right right, const UnixListener& unix_listener) {
  if (absl::Status status = PrepareUnixSocket(unix_listener); !status.ok()) return status;
  Listening listening;
  listening.address = absl::StrCat("unix:", unix_listener.path);
  {
    const PrivateUmask umask;
    auto port = Serve(core, right, listening.address, grpc::InsecureServerCredentials(), listening);
    if (!port.ok()) return port.status();
  }
  if (absl::Status status = GrantUnixSocket(unix_listener); !status.ok()) return status;
  return listening;
}

absl::StatusOr<Listening> Listen(Core& core, Right right, const TcpListener& tcp) {
  if (tcp.tls) {
    if (absl::Status status = CheckFiles(*tcp.tls); !status.ok()) return status;
  }
  Listening listening;
  auto port = Serve(core, right, tcp.address,
                    tcp.tls ? Credentials(*tcp.tls) : grpc::InsecureServerCredentials(), listening);
  if (!port.ok()) return port.status();
  listening.address = absl::StrCat(tcp.address.substr(0, tcp.address.rfind(':')), ":", *port);
  return listening;
}

}  // namespace

absl::StatusOr<Listening> Listen(Core& core, const Listener& listener) {
  return std::visit([&](const auto& where) { return Listen(core, listener.right, where); },
                    listener.where);
}

}  // namespace kchan::rpc
