// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_YAML_FIELDS_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_YAML_FIELDS_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "bridge/netlink/spec/yaml_tree.h"

namespace kchan::netlink {

// Reads maps of a document by what their keys should hold. The first thing that
// is wrong stays as status(), with its line; from then on all of it goes on
// with what comes instead, and its result is not to be used.
class YamlFields {
 public:
  const absl::Status& status() const { return status_; }
  bool ok() const { return status_.ok(); }

  // "LINE: what", INVALID_ARGUMENT.
  void Fail(const YamlNode& node, std::string_view what);
  // The same, UNIMPLEMENTED: nothing is wrong with it but that we do not know it.
  void FailAsUnknown(const YamlNode& node, std::string_view what);

  // Where something is wrong with the value of `key`.
  static const YamlNode& At(const YamlNode& map, std::string_view key) {
    const YamlNode* node = map.Find(key);
    return node == nullptr ? map : *node;
  }

  // Empty, false or nothing if there is no such key.
  std::string Text(const YamlNode& map, std::string_view key);
  bool Bool(const YamlNode& map, std::string_view key);
  std::vector<std::string> Texts(const YamlNode& map, std::string_view key);
  // Decimal or, from "0x" on, hexadecimal.
  std::optional<int64_t> Number(const YamlNode& map, std::string_view key,
                                int64_t min = std::numeric_limits<int64_t>::min(),
                                int64_t max = std::numeric_limits<int64_t>::max());
  // The maps in a list.
  std::span<const YamlNode* const> Maps(const YamlNode& map, std::string_view key);

  // A text that must be there.
  std::string RequiredText(const YamlNode& map, std::string_view key);
  // The same under "name"; '@' begins keys that are no names.
  std::string Name(const YamlNode& map);

 private:
  void Wanted(const YamlNode& node, std::string_view key, std::string_view what);

  absl::Status status_;
};

std::optional<int64_t> ParseYamlNumber(std::string_view text);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_YAML_FIELDS_H_
