// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_GENL_MESSAGE_H_
#define KCHAN_BRIDGE_NETLINK_GENL_MESSAGE_H_

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

struct nl_msg;
struct nlattr;

namespace kchan::netlink {

// A generic-netlink request being built, with libnl. What does not fit into
// `max_bytes` is noticed once, by bytes().
//
// Thread safety: one thread at a time.
class GenlRequest {
 public:
  // `flags` beyond NLM_F_REQUEST, which strict families refuse if unknown.
  GenlRequest(uint16_t family, uint8_t command, uint8_t version, uint16_t flags = NLM_F_ACK,
              size_t max_bytes = 4096);
  ~GenlRequest();
  GenlRequest(const GenlRequest&) = delete;
  GenlRequest& operator=(const GenlRequest&) = delete;

  void PutU16(uint16_t type, uint16_t value);
  void PutU32(uint16_t type, uint32_t value);
  void PutU64(uint16_t type, uint64_t value);
  void PutString(uint16_t type, const std::string& value);
  void PutBytes(uint16_t type, std::span<const std::byte> value);
  nlattr* BeginNest(uint16_t type);
  void EndNest(nlattr* nest);

  void SetSequence(uint32_t sequence);
  // The whole message; empty if something did not fit.
  std::span<const std::byte> bytes() const;

 private:
  nl_msg* const message_;
  bool fits_ = true;
};

// One received message of a family: a view into its datagram.
struct GenlMessage {
  uint16_t family = 0;
  uint8_t command = 0;
  std::span<const std::byte> body;  // from the generic-netlink header on
  std::span<const std::byte> attributes;
};

// Reads it from the payload of a netlink message. INVALID_ARGUMENT: too short.
absl::Status ParseGenlMessage(const nlmsghdr& header, std::span<const std::byte> payload,
                              GenlMessage* message);

// Calls visit(const nlmsghdr&, std::span<const std::byte> payload) ->
// absl::Status for each netlink message of a datagram, until one is not OK.
// INVALID_ARGUMENT if the datagram is malformed.
template <typename Visit>
absl::Status VisitMessages(std::span<const std::byte> datagram, Visit visit) {
  while (datagram.size() >= NLMSG_HDRLEN) {
    nlmsghdr header;
    std::memcpy(&header, datagram.data(), sizeof(header));
    if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > datagram.size()) break;
    const absl::Status status =
        visit(header, datagram.subspan(NLMSG_HDRLEN, header.nlmsg_len - size_t{NLMSG_HDRLEN}));
    if (!status.ok()) return status;
    datagram =
        datagram.subspan(std::min<size_t>(NLMSG_ALIGN(size_t{header.nlmsg_len}), datagram.size()));
  }
  if (datagram.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a netlink datagram ends in ", datagram.size(), " bytes that are no message"));
}

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_GENL_MESSAGE_H_
