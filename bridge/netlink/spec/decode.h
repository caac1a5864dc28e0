// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_DECODE_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_DECODE_H_

#include <cstddef>
#include <span>

#include "bridge/netlink/spec/spec_types.h"
#include "google/protobuf/struct.pb.h"

namespace kchan::netlink {

// A message as docs/netlink_values.md describes: names as in the spec. `bytes`
// follow the (generic) netlink header. What has no place there is under "@raw",
// beside its reason: never lost, and Encode() takes it back.
//
// Cannot fail, whatever the bytes: nesting and size of the result are bounded.
google::protobuf::Struct Decode(const Layout& layout, std::span<const std::byte> bytes);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_DECODE_H_
