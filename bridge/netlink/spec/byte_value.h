// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_BYTE_VALUE_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_BYTE_VALUE_H_

#include <cstddef>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "bridge/netlink/spec/path.h"
#include "bridge/netlink/spec/spec_types.h"
#include "google/protobuf/struct.pb.h"

// Strings, bytes and structures between bytes and JSON.
namespace kchan::netlink {

// A text, without NULs at its end; as {"@bytes": "ff00"} if it is none.
google::protobuf::Value StringValue(std::span<const std::byte> bytes);
// Without a NUL at its end, unless it comes from "@bytes".
absl::StatusOr<std::string> StringOf(const google::protobuf::Value& value, const Path& path,
                                     bool* is_exact);

// As the hint wants it.
google::protobuf::Value BinaryValue(DisplayHint hint, std::span<const std::byte> bytes);
absl::StatusOr<std::string> BinaryOf(DisplayHint hint, const google::protobuf::Value& value,
                                     const Path& path);

// Adds the members to `fields`, under "@header" those whose names `taken` has
// too. Members that are not wholly there are left out: older kernels have
// shorter structures. Bytes beyond it are the caller's.
void AddStruct(const Struct& structure, const AttributeSet* taken, std::span<const std::byte> bytes,
               google::protobuf::Struct* fields);

// A structure that is all of an attribute; longer ones have a "@rest".
google::protobuf::Value StructValue(const Struct& structure, std::span<const std::byte> bytes);
absl::StatusOr<std::string> StructOf(const Struct& structure, const google::protobuf::Value& value,
                                     const Path& path);

// Puts one member into `bytes`, which are the whole structure.
absl::Status StoreMember(const StructMember& member, const google::protobuf::Value& value,
                         const Path& path, std::string* bytes);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_BYTE_VALUE_H_
