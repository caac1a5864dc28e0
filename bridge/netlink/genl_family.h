// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_GENL_FAMILY_H_
#define KCHAN_BRIDGE_NETLINK_GENL_FAMILY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "bridge/netlink/genl_socket.h"

namespace kchan::netlink {

// Where a generic-netlink family is reached. Both change when its module is
// loaded again.
struct GenlFamily {
  std::string name;
  uint16_t id = 0;
  std::map<std::string, uint32_t> groups;  // multicast groups by name

  // FAILED_PRECONDITION if it has no such group.
  absl::StatusOr<uint32_t> FindGroup(const std::string& group) const;
};

// From the attributes of nlctrl's messages.
absl::StatusOr<GenlFamily> ParseFamily(std::span<const std::byte> attributes);

// Asks nlctrl for one family; the kernel may load a module that claims the
// name. Nothing if there is none.
absl::StatusOr<std::optional<GenlFamily>> FindFamily(GenlSocket& socket, const std::string& name);

// The same by listing all families, which loads nothing.
absl::StatusOr<std::optional<GenlFamily>> FindLoadedFamily(GenlSocket& socket,
                                                           const std::string& name);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_GENL_FAMILY_H_
