// SPDX-License-Identifier: Apache-2.0
#include "connection.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "concat.h"

namespace kchan {
namespace {

absl::StatusOr<std::string> ReadPem(const std::string& path, std::string_view what) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open()) {
    return absl::NotFoundError(Concat("TLS ", what, " '", path, "' cannot be opened"));
  }
  if (!absl::StrContains(text, "-----BEGIN ")) {
    return absl::InvalidArgumentError(Concat("TLS ", what, " '", path, "' is not PEM"));
  }
  return text;
}

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> TlsCredentials(const TlsFiles& files) {
  if (files.certificate_file.empty() != files.key_file.empty()) {
    return absl::InvalidArgumentError(
        "TLS: a certificate needs its key, and a key its certificate");
  }
  grpc::SslCredentialsOptions options;
  const struct {
    const std::string& path;
    std::string_view what;
    std::string& text;
  } parts[] = {{files.ca_file, "authorities", options.pem_root_certs},
               {files.certificate_file, "certificate", options.pem_cert_chain},
               {files.key_file, "key", options.pem_private_key}};
  for (const auto& part : parts) {
    if (part.path.empty()) continue;
    auto text = ReadPem(part.path, part.what);
    if (!text.ok()) return text.status();
    part.text = *std::move(text);
  }
  return grpc::SslCredentials(options);
}

absl::Status CheckOptions(const ClientOptions& options) {
  if (options.target.empty()) {
    return absl::InvalidArgumentError("ClientOptions.target is empty: use unix:/path or host:port");
  }
  if (absl::StartsWith(options.target, "/")) {
    return absl::InvalidArgumentError(Concat("ClientOptions.target '", options.target,
                                             "': a socket is named unix:", options.target));
  }
  if (options.call_timeout <= absl::ZeroDuration() || options.keepalive_time < absl::Seconds(1) ||
      options.keepalive_timeout < absl::Seconds(1)) {
    return absl::InvalidArgumentError(
        "ClientOptions: call_timeout must be positive, keepalive times at least 1 s");
  }
  if (options.max_receive_bytes < (2 << 20)) {
    return absl::InvalidArgumentError(
        "ClientOptions.max_receive_bytes must be at least 2 MiB: a batch may be longer than 1 MiB");
  }
  return absl::OkStatus();
}

std::shared_ptr<grpc::Channel> NewGrpcChannel(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(options.max_receive_bytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive_time));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(options.keepalive_timeout));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A subscription's own back-off decides when to try again; gRPC's must not
  // make it wait for minutes behind that.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // Its name hides that it is what one attempt may take: a node that is busy, or
  // far away and speaks TLS, takes more than a second to say its first word.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10000);
  // A publish is at most once: nothing below us may send a call again.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // Clients of one process do not share a connection: each has its own windows.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(
      options.target,
      options.credentials ? options.credentials : grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace kchan
