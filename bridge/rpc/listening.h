// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_LISTENING_H_
#define KCHAN_BRIDGE_RPC_LISTENING_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/rpc/channel_service.h"
#include "bridge/rpc/listening_socket.h"
#include "bridge/rpc/netlink_service.h"
#include "bridge/rpc/node_service.h"
#include "bridge/rpc/passed_sockets.h"
#include "bridge/rpc/server_options.h"
#include "bridge/rpc/server_tls.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace kchan::rpc {

// One listener at work: a gRPC server with services of its own, which is given its
// connections.
struct Listening {
  std::string address;             // as clients write it
  std::unique_ptr<ServerTls> tls;  // null: it has none
  std::unique_ptr<ChannelService> channel_service;
  std::unique_ptr<NodeService> node_service;
  std::unique_ptr<NetlinkService> netlink_service;  // null: this daemon has none
  // Of `server`, until the acceptor has them.
  std::vector<ListeningSocket> sockets;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections;
  std::unique_ptr<grpc::Server> server;  // last: ends before what it serves
};

absl::StatusOr<Listening> Listen(Core& core, const Listener& listener, PassedSockets& passed);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_LISTENING_H_
