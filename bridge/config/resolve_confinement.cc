// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/resolve_confinement.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <variant>

namespace kchan::config {
namespace {

constexpr int kFirstOpenPort = 1024;

// Checked already. 0 lets the kernel choose: never a low one.
bool IsLowPort(const std::string& address) {
  const int port = std::atoi(address.c_str() + address.rfind(':') + 1);
  return port != 0 && port < kFirstOpenPort;
}

bool HasGroup(const rpc::Listener& listener) {
  const auto* unix_socket = std::get_if<rpc::UnixListener>(&listener.where);
  return unix_socket != nullptr && !unix_socket->group.empty();
}

bool HasLowPort(const rpc::Listener& listener) {
  const auto* tcp = std::get_if<rpc::TcpListener>(&listener.where);
  return tcp != nullptr && IsLowPort(tcp->address);
}

}  // namespace

void ResolveConfinement(const v1::Config& from, Config& to) {
  const auto& listeners = to.server.listeners;
  confine::Features& features = to.confinement.features;
  features.kernel_log = to.host.kernel_log.has_value();
  features.pressure = !to.host.psi_triggers.empty();
  features.network_namespaces = !to.netlink.network_namespaces.empty();
  features.socket_groups = std::any_of(listeners.begin(), listeners.end(), HasGroup);
  features.low_ports = std::any_of(listeners.begin(), listeners.end(), HasLowPort) ||
                       (to.metrics && IsLowPort(to.metrics->address));
  to.confinement.keep_capabilities = from.confinement().keep_capabilities();
  to.confinement.any_system_call = from.confinement().any_system_call();
}

}  // namespace kchan::config
