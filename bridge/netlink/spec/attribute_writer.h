// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_ATTRIBUTE_WRITER_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_ATTRIBUTE_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "bridge/netlink/spec/path.h"

namespace kchan::netlink {

// Appends one attribute, padded. `flags` are NLA_F_. INVALID_ARGUMENT if it is
// longer than an attribute can be.
absl::Status AppendAttribute(uint16_t number, uint16_t flags, std::string_view payload,
                             const Path& path, std::string* out);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_ATTRIBUTE_WRITER_H_
