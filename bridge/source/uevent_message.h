// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_UEVENT_MESSAGE_H_
#define KCHAN_BRIDGE_SOURCE_UEVENT_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kchan::source {

// One kobject uevent, as the kernel multicasts it:
//
//   add@/devices/virtual/net/eth1\0ACTION=add\0DEVPATH=/devices/..\0SUBSYSTEM=net\0..SEQNUM=812\0
struct UeventMessage {
  uint64_t seqnum = 0;  // counts all uevents of the machine
  std::string_view action;
  std::string_view devpath;
  std::string_view subsystem;
  std::string properties;  // all of them, "KEY=value" lines; control characters are '?'
};

// Nothing if `datagram` is none: without an action, a path and a number. Views
// point into `datagram`. Any bytes are safe.
std::optional<UeventMessage> ParseUevent(std::span<const std::byte> datagram);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_UEVENT_MESSAGE_H_
