// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_NETLINK_ACK_H_
#define KCHAN_BRIDGE_NETLINK_NETLINK_ACK_H_

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace kchan::netlink {

// The kernel's verdict on one request.
struct NetlinkAck {
  int error = 0;                          // 0, or a positive errno
  std::string message;                    // the kernel's own words; may be empty
  std::optional<uint16_t> bad_attribute;  // of the request, at its top level
  std::optional<uint16_t> missing_attribute;
  std::optional<uint32_t> bad_offset;           // in the request, its header included
  std::optional<uint32_t> missing_nest_offset;  // of the nest that lacks missing_attribute
  std::vector<std::byte> policy;                // NLMSGERR_ATTR_POLICY: what bad_attribute may be
  bool dump_interrupted = false;                // what a dump gave may be inconsistent
};

// Reads NLMSG_ERROR (an acknowledgement is error 0) or the NLMSG_DONE of a
// dump. `request` is what was sent: the kernel names a bad attribute by its
// offset in there. What is malformed beyond the errno itself is left out.
absl::Status ParseAck(const nlmsghdr& header, std::span<const std::byte> payload,
                      std::span<const std::byte> request, NetlinkAck* ack);

// The name of an attribute of the request's family, or empty.
using AttributeName = const char* (*)(uint16_t type);

// OK if it is; else a status of the errno's code that begins with `what` and
// gives the kernel's words, the attribute and the errno.
absl::Status AckStatus(const NetlinkAck& ack, const std::string& what, AttributeName name);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_NETLINK_ACK_H_
