// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENT_H_
#define KCHAN_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "kchan/v1/channel_service.pb.h"
#include "kchan/v1/node_service.pb.h"

namespace grpc {
class Channel;
class ChannelCredentials;
}  // namespace grpc

namespace kchan {

// PEM files for TLS. An empty ca_file trusts the system's authorities; an empty
// certificate shows the daemon none.
struct TlsFiles {
  std::string ca_file = {};
  std::string certificate_file = {};
  std::string key_file = {};
};

// INVALID_ARGUMENT or NOT_FOUND: a file cannot be read, or one of certificate
// and key is missing.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> TlsCredentials(const TlsFiles& files);

struct ClientOptions {
  // "unix:/run/kchan/read.sock" or "host:port".
  std::string target = "unix:/run/kchan/read.sock";
  // None: plain text. That is what a Unix socket wants; over TCP anybody on the
  // way can read and change it.
  std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr;
  // How long a unary call may take.
  absl::Duration call_timeout = absl::Seconds(10);
  // How soon a connection that fell silent is noticed: pinged after the first,
  // given up the second later.
  absl::Duration keepalive_time = absl::Seconds(30);
  absl::Duration keepalive_timeout = absl::Seconds(10);
  // A batch is at most 1 MiB and one record; a daemon that sends more than this
  // ends its stream.
  int max_receive_bytes = 8 << 20;
};

// Client is a connection to one node's kchand. It connects when it is first
// used and again when it has to.
//
// Thread safety: all methods from any thread.
//
// Lifetime: subscriptions and publishers made from it keep what they need of it
// and may outlive it.
//
// Errors: the daemon's, see kchan/error.h; UNAVAILABLE when it cannot be
// reached, DEADLINE_EXCEEDED after call_timeout.
class Client {
 public:
  // INVALID_ARGUMENT: the options make no sense. Does not wait for the daemon.
  static absl::StatusOr<std::shared_ptr<Client>> Connect(ClientOptions options);

  const ClientOptions& options() const { return options_; }

  // All channels, in order of name.
  absl::StatusOr<std::vector<v1::Channel>> ListChannels();
  absl::StatusOr<v1::Channel> GetChannel(std::string_view name);
  // The current schema, or the one with this id. See kchan/schema_cache.h.
  absl::StatusOr<v1::Schema> GetSchema(std::string_view channel, uint64_t schema_id = 0);
  absl::StatusOr<v1::Channel> UpdateChannel(const v1::UpdateChannelRequest& request);
  absl::StatusOr<v1::Node> GetNode();
  absl::StatusOr<v1::GetStatusResponse> GetStatus();

  // Whether `service` is serving: "" is the daemon itself, "kchan.v1.
  // ChannelService" whether it has a usable source. NOT_FOUND: not known.
  absl::StatusOr<bool> CheckHealth(std::string_view service);

  // Calls `on_change` with each channel that exists, comes, changes or goes,
  // until it returns false (then OK) or the connection ends.
  absl::Status WatchChannels(std::function<bool(const v1::WatchChannelsResponse&)> on_change);

  // For subscriptions and publishers, and for other stubs on this connection.
  const std::shared_ptr<grpc::Channel>& grpc_channel() const { return channel_; }

 private:
  explicit Client(ClientOptions options);

  const ClientOptions options_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace kchan

#endif  // KCHAN_CLIENT_H_
