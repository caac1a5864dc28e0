// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KMSG_RECORD_H_
#define KCHAN_BRIDGE_SOURCE_KMSG_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kchan::source {

// One record of the kernel log, as one read() of /dev/kmsg gives it
// (Documentation/ABI/testing/dev-kmsg in the kernel's tree):
//
//   6,339,5140900,-,caller=T1;NET: Registered PF_INET6 protocol family\n
//    SUBSYSTEM=acpi\n
//    DEVICE=+acpi:PNP0A03:00\n
struct KmsgRecord {
  uint64_t sequence = 0;      // the kernel's own, from 0
  uint64_t time_us = 0;       // since boot, without the time it was suspended
  uint8_t level = 0;          // 0 emerg .. 7 debug
  uint8_t facility = 0;       // 0 kern, 1 user ..
  bool continuation = false;  // goes on with a line begun by an earlier record
  std::string_view caller;    // "T123" thread, "C1" CPU; empty if the kernel does not tell
  std::string text;           // as it was printed; may have several lines
  std::string dictionary;     // "KEY=value" lines, with control characters escaped
};

// Nothing if `record` is none. Views point into `record`. Any bytes are safe.
std::optional<KmsgRecord> ParseKmsg(std::string_view record);

// The value of `key` in a KmsgRecord's dictionary, if it has one.
std::optional<std::string_view> FindInDictionary(std::string_view dictionary, std::string_view key);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KMSG_RECORD_H_
