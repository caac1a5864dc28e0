// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_GENL_FAMILY_H_
#define KCHAN_BRIDGE_NETLINK_GENL_FAMILY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/netlink/genl_socket.h"

namespace kchan::netlink {

struct GenlOperation {
  uint32_t command = 0;
  uint32_t flags = 0;  // GENL_ADMIN_PERM, GENL_CMD_CAP_DO ..
};

// A generic-netlink family, as nlctrl describes it. Its id and its groups' change
// when its module is loaded again.
struct GenlFamily {
  std::string name;
  uint16_t id = 0;
  uint8_t version = 1;
  uint32_t header_bytes = 0;  // behind the generic-netlink header
  uint32_t max_attribute = 0;
  std::vector<GenlOperation> operations;   // by command
  std::map<std::string, uint32_t> groups;  // multicast groups by name

  // Null: it has none of this number.
  const GenlOperation* FindOperation(uint32_t command) const;

  // FAILED_PRECONDITION if it has no such group.
  absl::StatusOr<uint32_t> FindGroup(const std::string& group) const;
};

// From the attributes of nlctrl's messages.
absl::StatusOr<GenlFamily> ParseFamily(std::span<const std::byte> attributes);

// Asks nlctrl for one family; the kernel may load a module that claims the
// name. Nothing if there is none.
absl::StatusOr<std::optional<GenlFamily>> FindFamily(GenlSocket& socket, const std::string& name);

// All that are registered, by name. Loads nothing.
absl::StatusOr<std::vector<GenlFamily>> ListFamilies(GenlSocket& socket);

// One family by listing all, which loads nothing.
absl::StatusOr<std::optional<GenlFamily>> FindLoadedFamily(GenlSocket& socket,
                                                           const std::string& name);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_GENL_FAMILY_H_
