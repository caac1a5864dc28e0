// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_NETLINK_ATTRIBUTES_H_
#define KCHAN_BRIDGE_NETLINK_NETLINK_ATTRIBUTES_H_

#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace kchan::netlink {

// One attribute of a netlink message: a view, valid as long as the message.
//
// Nothing in a message is believed: each Get checks the length, and says
// INVALID_ARGUMENT with the attribute's number if it does not fit.
class AttributeView {
 public:
  AttributeView(uint16_t type, std::span<const std::byte> payload)
      : type_(type), payload_(payload) {}

  // Without NLA_F_NESTED and NLA_F_NET_BYTEORDER, which senders mix.
  uint16_t type() const { return type_ & NLA_TYPE_MASK; }
  std::span<const std::byte> payload() const { return payload_; }

  // An integer of exactly this size. It may be only 4-aligned.
  template <typename T>
  absl::Status Get(T* value) const {
    if (payload_.size() != sizeof(T)) return Wrong("a length", sizeof(T));
    std::memcpy(value, payload_.data(), sizeof(T));
    return absl::OkStatus();
  }

  // A string that ends with its NUL, at most `max_bytes` long with it.
  absl::Status GetString(size_t max_bytes, std::string* value) const {
    const std::string_view text(reinterpret_cast<const char*>(payload_.data()), payload_.size());
    const size_t length = text.find('\0');
    if (length == std::string_view::npos || length >= max_bytes) {
      return Wrong("a string, with its NUL, of at most", max_bytes);
    }
    value->assign(text.substr(0, length));
    return absl::OkStatus();
  }

 private:
  absl::Status Wrong(const char* wanted, size_t bytes) const {
    return absl::InvalidArgumentError(absl::StrCat("netlink attribute ", type(), " has ",
                                                   payload_.size(), " bytes, not ", wanted, " ",
                                                   bytes, " bytes"));
  }

  uint16_t type_;
  std::span<const std::byte> payload_;
};

// Calls visit(const Attribute&) -> absl::Status for each attribute in
// `attributes`, until one is not OK. INVALID_ARGUMENT if
// they do not fill `attributes` exactly.
template <typename Visit>
absl::Status VisitAttributes(std::span<const std::byte> attributes, Visit visit) {
  while (attributes.size() >= NLA_HDRLEN) {
    nlattr header;
    std::memcpy(&header, attributes.data(), sizeof(header));
    if (header.nla_len < NLA_HDRLEN || header.nla_len > attributes.size()) break;
    const absl::Status status = visit(AttributeView(
        header.nla_type, attributes.subspan(NLA_HDRLEN, header.nla_len - size_t{NLA_HDRLEN})));
    if (!status.ok()) return status;
    // The last one may come without its padding.
    attributes =
        attributes.subspan(std::min<size_t>(NLA_ALIGN(size_t{header.nla_len}), attributes.size()));
  }
  if (attributes.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("netlink attributes end in ", attributes.size(), " bytes that are none"));
}

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_NETLINK_ATTRIBUTES_H_
