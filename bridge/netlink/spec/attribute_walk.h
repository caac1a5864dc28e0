// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_ATTRIBUTE_WALK_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_ATTRIBUTE_WALK_H_

#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace kchan::netlink {

// Not NLA_TYPE_MASK, which is a negative number.
inline constexpr uint16_t kMaxAttributeNumber = 0x3fff;
inline constexpr size_t kMaxAttributeBytes = 65535 - NLA_HDRLEN;  // of payload

// One attribute as it lies in a message.
struct AttributeView {
  uint16_t number = 0;         // without flags
  bool is_nested = false;      // NLA_F_NESTED, which many senders leave out
  bool is_big_endian = false;  // NLA_F_NET_BYTEORDER
  std::span<const std::byte> payload;
};

// Walks attributes. Any bytes are safe: it ends where there is no further whole
// attribute.
class AttributeWalk {
 public:
  explicit AttributeWalk(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool Next(AttributeView* view) {
    nlattr header;
    if (bytes_.size() < sizeof(header)) return false;
    std::memcpy(&header, bytes_.data(), sizeof(header));
    if (header.nla_len < NLA_HDRLEN || header.nla_len > bytes_.size()) return false;
    view->number = header.nla_type & NLA_TYPE_MASK;
    view->is_nested = (header.nla_type & NLA_F_NESTED) != 0;
    view->is_big_endian = (header.nla_type & NLA_F_NET_BYTEORDER) != 0;
    view->payload = bytes_.subspan(NLA_HDRLEN, header.nla_len - size_t{NLA_HDRLEN});
    // The last one may come without its padding.
    bytes_ = bytes_.subspan(std::min<size_t>(NLA_ALIGN(size_t{header.nla_len}), bytes_.size()));
    return true;
  }

  // What is not walked yet; after the last, what is no attribute.
  std::span<const std::byte> rest() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_ATTRIBUTE_WALK_H_
