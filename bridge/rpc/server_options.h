// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_SERVER_OPTIONS_H_
#define KCHAN_BRIDGE_RPC_SERVER_OPTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bridge/hub/cpus.h"
#include "bridge/security/authorizer.h"
#include "bridge/security/certificates.h"

namespace kchan::rpc {

// What the clients of one listener may do. Control includes read.
enum class Right : uint8_t { kRead, kControl };

// A socket in the file system. Who may connect is its mode and group.
struct UnixListener {
  std::string path;
  uint32_t mode = 0660;
  std::string group;          // empty: the daemon's own
  std::string identity = {};  // of its clients; empty: "unix:read" or "unix:control"
};

using Tls = security::TlsFiles;

struct TcpListener {
  std::string address;     // "127.0.0.1:50051", "[::1]:50051"; port 0: any
  std::optional<Tls> tls;  // nothing: neither secret nor authenticated
  bool is_remote = false;  // it has no tls though its address is not loopback
};

struct Listener {
  std::variant<UnixListener, TcpListener> where;
  Right right = Right::kRead;
};

// The bounds of what clients can take.
struct ServerLimits {
  size_t max_connections = 2048;  // of each listener
  size_t max_subscriptions = 1024;
  size_t max_watches = 256;
  size_t max_publishers = 64;
  size_t max_value_watches = 256;
  size_t max_block_transfers = 16;   // each holds one extent of 1 MiB, twice
  size_t max_netlink_requests = 16;  // each has a thread
  int max_streams_per_connection = 1100;
  int max_request_bytes = 2 << 20;  // above an extent of blocks
  size_t door_threads = 4;
  size_t door_queue = 256;  // requests that wait for a door thread
};

// Who this node is, as far as it does not change while the daemon runs.
struct NodeIdentity {
  std::string name;
  std::string boot_id;
  std::string kernel_release;
  std::string daemon_version;
  std::string daemon_abi;
};

struct ServerOptions {
  std::vector<Listener> listeners;
  NodeIdentity node;
  ServerLimits limits;
  // Subscribers are shared out among so many threads.
  size_t serving_threads = 1;
  // Where those, and gRPC's own, run. Nothing: anywhere.
  std::optional<hub::Cpus> cpus;
  bool channelz = false;
  // Who may do what; null: whatever the listeners' rights say.
  std::shared_ptr<const security::Authorizer> policy;
  // Given the audit (security::AuditLog), line by line. Called from any thread;
  // must not block. May be empty.
  std::function<void(const std::string& line)> audit;
  // Given what an operator should know of listeners; the same rules.
  std::function<void(const std::string& line)> warn;
  // How long streams may take to end when the server shuts down.
  std::chrono::milliseconds drain_timeout{3000};
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_SERVER_OPTIONS_H_
