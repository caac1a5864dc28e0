// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_LOG_LINE_H_
#define KCHAN_BRIDGE_SOURCE_LOG_LINE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bridge/source/kmsg_record.h"

namespace kchan::source {

// A line that a LOG channel has put into the kernel log (linux/kchan.h, "LOG").
struct LogLine {
  uint64_t sequence = 0;
  // Numbers up to `sequence`, its own included, that have not come were
  // withheld; there is no text.
  bool is_summary = false;
  std::string text;  // as its module wrote it
};

// Nothing if the record is not one of this channel's. Any bytes are safe: what
// user space writes to the kernel log cannot pass for a channel's line, since
// only the kernel tags one with a device.
std::optional<LogLine> ParseLogLine(const KmsgRecord& record, std::string_view channel);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_LOG_LINE_H_
