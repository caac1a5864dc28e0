// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_ATTRIBUTE_PATH_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_ATTRIBUTE_PATH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "bridge/netlink/spec/spec_types.h"

// What the kernel's extended acknowledgement speaks of, by name. Attributes
// that the layout does not name, all of them without a layout, are "#7".
namespace kchan::netlink {

// The path, such as "rings.rx" or "bits.bit[2].name", of the attribute of an
// encoded request (as Encode() gives it) that `offset` is in (NLMSGERR_ATTR_OFFS
// less the headers before), or of the member of the fixed header. Empty: in none.
std::string PathAt(const Layout& layout, std::span<const std::byte> request, size_t offset);

// The path of an attribute that the kernel misses: NLMSGERR_ATTR_MISS_TYPE, in
// the nest at NLMSGERR_ATTR_MISS_NEST, less the headers as above, or at the top.
std::string MissingPath(const Layout& layout, std::span<const std::byte> request, uint16_t number,
                        std::optional<size_t> nest_offset);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_ATTRIBUTE_PATH_H_
