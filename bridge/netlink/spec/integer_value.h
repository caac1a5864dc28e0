// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_INTEGER_VALUE_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_INTEGER_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "bridge/netlink/spec/path.h"
#include "bridge/netlink/spec/spec_types.h"
#include "google/protobuf/struct.pb.h"

// Integers between bytes and JSON. In between they are 64 bits, with their sign
// extended where their type is signed.
namespace kchan::netlink {

// 0: none, or of no fixed size.
size_t IntegerBytes(ValueType type);

// `bytes` are 1, 2, 4 or 8, in any alignment.
uint64_t LoadInteger(std::span<const std::byte> bytes, bool is_signed, ByteOrder order);
std::string StoreInteger(uint64_t bits, size_t bytes, ByteOrder order);

// A number if JSON's numbers hold it exactly (53 bits), else its decimal text.
google::protobuf::Value NumberValue(uint64_t bits, bool is_signed);

// By its format: a name, a list of names, a text as the hint wants it, or a
// number. `bytes` is the integer's size.
google::protobuf::Value IntegerValue(const ValueFormat& format, size_t bytes, uint64_t bits);

// The inverse. `bytes` 0: as many as it needs. INVALID_ARGUMENT if it is none,
// does not fit, or is not between the limits.
absl::StatusOr<uint64_t> IntegerOf(const ValueFormat& format, size_t bytes,
                                   const ValueChecks& checks, const google::protobuf::Value& value,
                                   const Path& path);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_INTEGER_VALUE_H_
