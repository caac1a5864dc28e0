// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_RAW_TREE_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_RAW_TREE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/netlink/spec/attribute_walk.h"
#include "bridge/netlink/spec/path.h"
#include "google/protobuf/struct.pb.h"

namespace kchan::netlink {

// An attribute of which no spec speaks.
struct RawAttribute {
  uint16_t number = 0;         // without flags
  bool is_nested = false;      // NLA_F_NESTED, which many senders leave out
  bool is_big_endian = false;  // NLA_F_NET_BYTEORDER
  // The payload. It is what counts, unless it is empty.
  std::string bytes;
  // The payload as attributes, where it can be read so. A guess, unless
  // `is_nested`.
  std::vector<RawAttribute> children;
};

struct RawTree {
  std::vector<RawAttribute> attributes;
  // What is left at the end and is no attribute; empty in a sound message.
  std::string rest;
};

// Reads attributes; of generic netlink without a spec, the fixed header that
// the family announces must be cut off before. Any bytes are safe.
RawTree ParseRawTree(std::span<const std::byte> bytes);

// As attributes. INVALID_ARGUMENT names the one that is too long or too deep.
absl::StatusOr<std::string> EncodeRawTree(const RawTree& tree);

// As a list of {"type": 3, "bytes": "0a00", ..}, the form of "@raw" in
// docs/netlink_values.md.
google::protobuf::ListValue RawTreeToValue(const RawTree& tree);

// The inverse. INVALID_ARGUMENT names the path.
absl::StatusOr<RawTree> RawTreeFromValue(const google::protobuf::ListValue& values,
                                         const Path& path = {});

// The same for one attribute.
RawAttribute ParseRawAttribute(const AttributeView& view);
google::protobuf::Struct RawAttributeToValue(const RawAttribute& attribute);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_RAW_TREE_H_
