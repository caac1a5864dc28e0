// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/netlink_ack.h"

#include <linux/genetlink.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "bridge/netlink/netlink_attributes.h"

namespace kchan::netlink {
namespace {

constexpr size_t kMaxMessageBytes = 1024;

// The top-level attribute of `request` that `offset` points into.
std::optional<uint16_t> AttributeAt(std::span<const std::byte> request, uint32_t offset) {
  const size_t attributes = NLMSG_HDRLEN + GENL_HDRLEN;
  if (request.size() < attributes) return std::nullopt;
  std::optional<uint16_t> found;
  // Malformed is impossible: we have built it.
  (void)VisitAttributes(request.subspan(attributes), [&](const AttributeView& attribute) {
    const std::byte* end = attribute.payload().data() + attribute.payload().size();
    const auto begin_offset = attribute.payload().data() - request.data() - NLA_HDRLEN;
    if (offset >= begin_offset && offset < end - request.data()) found = attribute.type();
    return absl::OkStatus();
  });
  return found;
}

void ReadExtendedAck(std::span<const std::byte> attributes, std::span<const std::byte> request,
                     NetlinkAck* ack) {
  (void)VisitAttributes(attributes, [&](const AttributeView& attribute) {
    uint32_t number = 0;
    switch (attribute.type()) {
      case NLMSGERR_ATTR_MSG:
        (void)attribute.GetString(kMaxMessageBytes, &ack->message);
        break;
      case NLMSGERR_ATTR_OFFS:
        if (!attribute.Get(&number).ok()) break;
        ack->bad_offset = number;
        ack->bad_attribute = AttributeAt(request, number);
        break;
      case NLMSGERR_ATTR_MISS_TYPE:
        if (attribute.Get(&number).ok()) ack->missing_attribute = static_cast<uint16_t>(number);
        break;
      case NLMSGERR_ATTR_MISS_NEST:
        if (attribute.Get(&number).ok()) ack->missing_nest_offset = number;
        break;
      case NLMSGERR_ATTR_POLICY:
        ack->policy.assign(attribute.payload().begin(), attribute.payload().end());
        break;
      default:
        break;
    }
    return absl::OkStatus();
  });
}

// Where the extended attributes begin: behind the echo of the request, which
// is only its header if the socket asked for that.
size_t EchoEnd(const nlmsghdr& header, std::span<const std::byte> payload) {
  size_t end = sizeof(nlmsgerr);
  if (!(header.nlmsg_flags & NLM_F_CAPPED)) {
    nlmsgerr error;
    std::memcpy(&error, payload.data(), sizeof(error));
    const size_t echoed = error.msg.nlmsg_len;
    if (echoed > sizeof(nlmsghdr)) end += NLMSG_ALIGN(echoed - sizeof(nlmsghdr));
  }
  return std::min(end, payload.size());
}

}  // namespace

absl::Status ParseAck(const nlmsghdr& header, std::span<const std::byte> payload,
                      std::span<const std::byte> request, NetlinkAck* ack) {
  int32_t error = 0;
  const bool is_done = header.nlmsg_type == NLMSG_DONE;
  if (payload.size() < (is_done ? sizeof(error) : sizeof(nlmsgerr))) {
    // A dump's end may come bare.
    if (is_done && payload.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError("a netlink acknowledgement is too short");
  }
  std::memcpy(&error, payload.data(), sizeof(error));
  ack->error = error == INT32_MIN ? EINVAL : std::abs(error);
  if (header.nlmsg_flags & NLM_F_ACK_TLVS) {
    const size_t begin = is_done ? sizeof(error) : EchoEnd(header, payload);
    ReadExtendedAck(payload.subspan(begin), request, ack);
  }
  return absl::OkStatus();
}

absl::Status AckStatus(const NetlinkAck& ack, const std::string& what, AttributeName name) {
  if (ack.error == 0) return absl::OkStatus();
  std::string text(what);
  if (!ack.message.empty()) absl::StrAppend(&text, ": ", ack.message);
  if (ack.bad_attribute) {
    absl::StrAppend(&text, " (attribute ", name(*ack.bad_attribute), ")");
  }
  if (ack.missing_attribute) {
    absl::StrAppend(&text, " (attribute ", name(*ack.missing_attribute), " is missing)");
  }
  return absl::ErrnoToStatus(ack.error, text);
}

}  // namespace kchan::netlink
