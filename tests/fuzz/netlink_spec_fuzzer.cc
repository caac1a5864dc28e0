// SPDX-License-Identifier: Apache-2.0
// A spec is any text. What loads can be asked, and can read any message.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>

#include "bridge/netlink/spec/attribute_path.h"
#include "bridge/netlink/spec/decode.h"
#include "bridge/netlink/spec/encode.h"
#include "bridge/netlink/spec/spec.h"

namespace {

namespace netlink = kchan::netlink;

void Check(bool is_true) {
  if (!is_true) std::abort();
}

void CheckSets(const netlink::Spec& spec) {
  for (const netlink::AttributeSet& set : spec.attribute_sets()) {
    for (const netlink::Attribute& attribute : set.attributes) {
      Check(set.Find(attribute.number) == &attribute);
      Check(set.Find(attribute.name) == &attribute);
    }
  }
  for (const netlink::Struct& structure : spec.structs()) {
    uint32_t bytes = 0;
    for (const netlink::StructMember& member : structure.members) bytes += member.size_bytes;
    Check(bytes == structure.size_bytes && bytes != 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto spec =
      netlink::Spec::Parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!spec.ok()) return 0;
  CheckSets(**spec);
  for (const netlink::Operation& operation : (*spec)->operations()) {
    const auto values = netlink::Decode(operation.layout, bytes);
    (void)netlink::Encode(operation.layout, values);
    (void)netlink::PathAt(operation.layout, bytes, size / 2);
  }
  (void)(*spec)->FindMessage(netlink::Direction::kNotification, static_cast<uint16_t>(size));
  return 0;
}
