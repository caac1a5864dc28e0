// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_NETWORK_NAMESPACE_H_
#define KCHAN_BRIDGE_NETLINK_NETWORK_NAMESPACE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/netlink/netlink_socket.h"

namespace kchan::netlink {

// Which network namespace a path names now; NOT_FOUND: none. Two that are equal are
// one, as long as somebody holds it.
struct NamespaceId {
  uint64_t device = 0;
  uint64_t inode = 0;
  bool operator==(const NamespaceId&) const = default;
};
absl::StatusOr<NamespaceId> NamespaceAt(const std::string& path);

// Calls `call` in the network namespace at `path` ("/run/netns/NAME",
// "/proc/PID/ns/net"): on a thread of its own, which ends with it, so that no
// other is ever in the wrong one. A socket stays where it was opened.
//
// NOT_FOUND: there is none; PERMISSION_DENIED: entering one needs CAP_SYS_ADMIN.
absl::Status CallInNamespace(const std::string& path, absl::FunctionRef<absl::Status()> call);

// Opens a socket there; with an empty path in this process's own.
absl::StatusOr<std::unique_ptr<NetlinkSocket>> OpenSocketIn(const std::string& path,
                                                            int receive_bytes, int protocol);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_NETWORK_NAMESPACE_H_
