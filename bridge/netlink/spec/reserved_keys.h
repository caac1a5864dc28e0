// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_RESERVED_KEYS_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_RESERVED_KEYS_H_

// Keys of JSON objects that are none of a spec's names: docs/netlink_values.md.
namespace kchan::netlink {

inline constexpr char kRawKey[] = "@raw";        // attributes that have no other place
inline constexpr char kHeaderKey[] = "@header";  // fixed header's members named as attributes are
inline constexpr char kRestKey[] = "@rest";      // what follows a structure
inline constexpr char kIndexKey[] = "@index";    // of an array's element that is not its place
inline constexpr char kValueKey[] = "@value";    // beside it, of elements that are no objects
inline constexpr char kBytesKey[] = "@bytes";    // in place of a string that is no text

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_RESERVED_KEYS_H_
