// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_ENCODE_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_ENCODE_H_

#include <string>

#include "absl/status/statusor.h"
#include "bridge/netlink/spec/spec_types.h"
#include "google/protobuf/struct.pb.h"

namespace kchan::netlink {

// The inverse of Decode(): the fixed header and the attributes of a request,
// which the caller puts behind the (generic) netlink header. The attributes are
// in the order of their numbers.
//
// INVALID_ARGUMENT names the path of the value that is wrong, and what would be
// right: "rings.rx: 5000000000 is out of range: u32 is 0 to 4294967295".
absl::StatusOr<std::string> Encode(const Layout& layout, const google::protobuf::Struct& values);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_ENCODE_H_
