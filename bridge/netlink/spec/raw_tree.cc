// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/raw_tree.h"

#include <linux/netlink.h>

#include <algorithm>
#include <utility>

#include "bridge/netlink/spec/attribute_writer.h"
#include "bridge/netlink/spec/byte_text.h"

namespace kchan::netlink {
namespace {

constexpr int kMaxGuessDepth = 6;  // each level costs the bytes once more
constexpr int kMaxEncodeDepth = 32;

RawAttribute Parse(const AttributeView& view, int depth);

// Whether all of `bytes` can be read as attributes; for a guess, as such that
// are likely.
bool ParseChildren(std::span<const std::byte> bytes, bool is_guess, int depth,
                   std::vector<RawAttribute>* children) {
  AttributeWalk walk(bytes);
  AttributeView view;
  while (walk.Next(&view)) {
    if (is_guess && view.number == 0) return false;
    children->push_back(Parse(view, depth));
  }
  return walk.rest().empty() && !children->empty();
}

RawAttribute Parse(const AttributeView& view, int depth) {
  RawAttribute attribute = {.number = view.number,
                            .is_nested = view.is_nested,
                            .is_big_endian = view.is_big_endian,
                            .bytes = std::string(AsText(view.payload)),
                            .children = {}};
  if (depth == kMaxGuessDepth ||
      !ParseChildren(view.payload, !view.is_nested, depth + 1, &attribute.children)) {
    attribute.children.clear();
  }
  return attribute;
}

absl::Status Append(const RawAttribute& attribute, int depth, const Path& path, std::string* out) {
  if (depth == kMaxEncodeDepth) return path.Error("too deep");
  std::string payload = attribute.bytes;
  if (payload.empty()) {
    for (size_t i = 0; i < attribute.children.size(); ++i) {
      const Path child(&path, i);
      if (absl::Status status = Append(attribute.children[i], depth + 1, child, &payload);
          !status.ok()) {
        return status;
      }
    }
  }
  const int flags = (attribute.is_nested ? NLA_F_NESTED : 0) |
                    (attribute.is_big_endian ? NLA_F_NET_BYTEORDER : 0);
  return AppendAttribute(attribute.number, static_cast<uint16_t>(flags), payload, path, out);
}

}  // namespace

RawTree ParseRawTree(std::span<const std::byte> bytes) {
  RawTree tree;
  AttributeWalk walk(bytes);
  AttributeView view;
  while (walk.Next(&view)) tree.attributes.push_back(ParseRawAttribute(view));
  tree.rest = AsText(walk.rest());
  return tree;
}

RawAttribute ParseRawAttribute(const AttributeView& view) { return Parse(view, /*depth=*/0); }

absl::StatusOr<std::string> EncodeRawTree(const RawTree& tree) {
  std::string out;
  const Path top;
  for (size_t i = 0; i < tree.attributes.size(); ++i) {
    const Path path(&top, i);
    if (absl::Status status = Append(tree.attributes[i], /*depth=*/0, path, &out); !status.ok()) {
      return status;
    }
  }
  return out + tree.rest;
}

}  // namespace kchan::netlink
