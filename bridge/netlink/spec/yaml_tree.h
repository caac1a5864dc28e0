// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_YAML_TREE_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_YAML_TREE_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace kchan::netlink {

struct YamlNode {
  enum class Kind : uint8_t { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  int line = 0;      // from 1
  std::string text;  // of a scalar, unquoted; what it means is its reader's to say
  std::vector<const YamlNode*> items;
  std::vector<std::pair<std::string, const YamlNode*>> entries;
  // How many nodes there are in all from here on, with aliases expanded.
  size_t size = 1;

  // Null if there is no such key, or this is no map.
  const YamlNode* Find(std::string_view key) const;
};

// A YAML document as plain nodes, of which aliases share some.
//
// Bounded: at most kMaxYamlBytes long, kMaxYamlDepth deep and, aliases expanded,
// of kMaxYamlNodes nodes; so whoever walks all of it does so in bounded time.
class YamlTree {
 public:
  // INVALID_ARGUMENT is "LINE: what is wrong".
  static absl::StatusOr<YamlTree> Parse(std::string_view text);

  const YamlNode& root() const { return *root_; }

 private:
  friend class YamlTreeBuilder;

  std::deque<YamlNode> nodes_;
  const YamlNode* root_ = nullptr;
};

inline constexpr size_t kMaxYamlBytes = size_t{1} << 20;
inline constexpr size_t kMaxYamlDepth = 32;
inline constexpr size_t kMaxYamlNodes = 200'000;

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_YAML_TREE_H_
