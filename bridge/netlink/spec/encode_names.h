// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_ENCODE_NAMES_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_ENCODE_NAMES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/netlink/spec/path.h"
#include "bridge/netlink/spec/spec_types.h"
#include "google/protobuf/struct.pb.h"

namespace kchan::netlink {

// One level of a request, whose names are known. Points into what it is of.
struct LevelValues {
  std::string header;  // the fixed header's bytes, with their padding
  // By number.
  std::vector<std::pair<const Attribute*, const google::protobuf::Value*>> attributes;
  const google::protobuf::Value* raw = nullptr;
};

// Sorts the values of one level; null counts as absent. `also` are keys that
// somebody else reads. INVALID_ARGUMENT names what is not known, and what is.
absl::StatusOr<LevelValues> SortValues(const Layout& layout, const google::protobuf::Struct& values,
                                       const std::vector<std::string>& also, const Path& path);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_ENCODE_NAMES_H_
