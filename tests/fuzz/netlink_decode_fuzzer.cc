// SPDX-License-Identifier: Apache-2.0
// A message of any operation of the kernel's specs holds anything: all of it is
// somewhere in what is decoded, and comes back when that is encoded.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "bridge/netlink/spec/attribute_path.h"
#include "bridge/netlink/spec/byte_text.h"
#include "bridge/netlink/spec/decode.h"
#include "bridge/netlink/spec/encode.h"
#include "bridge/netlink/spec/raw_tree.h"
#include "netlink_testing.h"

namespace {

namespace netlink = kchan::netlink;

const std::vector<const netlink::Operation*>& Operations() {
  static const auto* const kOperations = [] {
    auto* all = new std::vector<const netlink::Operation*>;
    for (const std::string& name : netlink::KernelSpecs().names()) {
      for (const auto& operation : netlink::KernelSpec(name).operations()) {
        all->push_back(&operation);
      }
    }
    return all;
  }();
  return *kOperations;
}

// What was decoded is encoded, if it may be, and decoded again. That values come
// back as they were is what the unit tests check, with values that a spec allows.
void CheckComesBack(const netlink::Layout& layout, std::span<const std::byte> message) {
  const auto bytes = netlink::Encode(layout, netlink::Decode(layout, message));
  if (bytes.ok()) netlink::Decode(layout, netlink::AsBytes(*bytes));
}

// The same of a tree that nothing is known of.
void CheckRawTree(std::span<const std::byte> message) {
  const netlink::RawTree tree = netlink::ParseRawTree(message);
  (void)netlink::EncodeRawTree(tree);
  const auto read = netlink::RawTreeFromValue(netlink::RawTreeToValue(tree));
  if (read.ok()) (void)netlink::EncodeRawTree(*read);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t which = (data[0] | size_t{data[1]} << 8) % Operations().size();
  const netlink::Layout& layout = Operations()[which]->layout;
  const auto message = std::as_bytes(std::span(data + 2, size - 2));
  CheckComesBack(layout, message);
  CheckRawTree(message);
  for (size_t offset = 0; offset < message.size(); offset += 4) {
    (void)netlink::PathAt(layout, message, offset);
    if (offset > 64) break;
  }
  (void)netlink::MissingPath(layout, message, data[0], size / 3);
  return 0;
}
