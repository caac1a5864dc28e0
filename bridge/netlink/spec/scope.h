// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_SCOPE_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_SCOPE_H_

#include "absl/status/statusor.h"
#include "bridge/netlink/spec/spec_types.h"
#include "google/protobuf/struct.pb.h"

// What encoding and decoding must see alike.
namespace kchan::netlink {

// The values around an attribute, in which its selector is looked up.
struct Scope {
  const google::protobuf::Struct* values = nullptr;
  const Scope* outer = nullptr;
};

// The format of a sub-message by the value of its selector, the innermost.
// INVALID_ARGUMENT: there is no such value, or no format for it.
absl::StatusOr<const SubMessageFormat*> SelectFormat(const Attribute& attribute,
                                                     const Scope& scope);

// How an element of an array, or a half of a bitfield32, is written.
ValueFormat ElementFormat(const Attribute& attribute);
ValueFormat BitfieldFormat(const ValueFormat& format);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_SCOPE_H_
