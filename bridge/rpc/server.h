// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_SERVER_H_
#define KCHAN_BRIDGE_RPC_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/hub/hub.h"
#include "bridge/netlink/netlink_engine.h"
#include "bridge/rpc/passed_socket.h"
#include "bridge/rpc/server_options.h"
#include "bridge/rpc/server_stats.h"

namespace kchan::rpc {

// The gRPC edge: serves a hub to remote clients on all its listeners.
//
// Each listener is a gRPC server of its own with its own right, because gRPC
// does not say through which socket a call came.
//
// Thread safety: Shutdown() from one thread, when no other call is under way; the
// rest from any.
//
// Lifetime: the hub, its door and `netlink` outlive it. The destructor shuts down.
class Server {
 public:
  // Listens; where a passed socket has a listener's address, on that one. Fails, with
  // nothing left behind, if any listener cannot, or if a passed socket is no
  // listener's. Without `netlink` there is no NetlinkService.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      hub::Hub& hub, const ServerOptions& options, const netlink::NetlinkEngine* netlink = nullptr,
      std::vector<PassedSocket> passed = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Where it listens, as clients write it: "unix:/run/kchan/read.sock",
  // "127.0.0.1:50051" (with the port that it got).
  std::vector<std::string> addresses() const;

  // From now on this policy holds, also for calls that are under way: what it
  // does not allow any more ends with PERMISSION_DENIED.
  void SetPolicy(std::shared_ptr<const security::Authorizer> policy);

  // Certificates of a listener.
  struct TlsState {
    std::string address;
    security::TlsFiles files;
    security::Certificates certificates;  // that new connections get
    absl::Status files_status;            // not OK: why the files are not used
  };
  // Reads all certificates again; what makes sense, new connections get.
  std::vector<TlsState> ReloadCertificates();
  // Those in use, of each listener that has some; files_status is OK.
  std::vector<TlsState> certificates() const;

  const NodeIdentity& node() const;
  const ServerStats& stats() const;
  std::vector<StreamCount> streams() const;
  // Of each listener.
  std::vector<ConnectionCount> connections() const;

  // Listens no more; ends all streams with UNAVAILABLE, what does not end within drain_timeout
  // is cut. Idempotent.
  void Shutdown();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_SERVER_H_
