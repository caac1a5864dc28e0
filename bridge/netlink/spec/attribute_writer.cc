// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/attribute_writer.h"

#include <linux/netlink.h>

#include "bridge/netlink/spec/attribute_walk.h"
#include "bridge/text/concat.h"

namespace kchan::netlink {

absl::Status AppendAttribute(uint16_t number, uint16_t flags, std::string_view payload,
                             const Path& path, std::string* out) {
  if (payload.size() > kMaxAttributeBytes) {
    return path.Error(text::Concat(payload.size(), " bytes, but an attribute holds at most ",
                                   kMaxAttributeBytes));
  }
  const nlattr header = {.nla_len = static_cast<uint16_t>(NLA_HDRLEN + payload.size()),
                         .nla_type = static_cast<uint16_t>(number | flags)};
  out->append(reinterpret_cast<const char*>(&header), sizeof(header));
  out->append(payload);
  out->append(NLA_ALIGN(payload.size()) - payload.size(), '\0');
  return absl::OkStatus();
}

}  // namespace kchan::netlink
