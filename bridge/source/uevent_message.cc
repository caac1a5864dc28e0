// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/uevent_message.h"

#include <algorithm>

#include "bridge/source/kernel_messages.h"
#include "bridge/source/text_scan.h"

namespace kchan::source {
namespace {

// The first part: "ACTION@DEVPATH".
bool IsHeader(std::string_view part) {
  const size_t at = part.find('@');
  return at != 0 && at != std::string_view::npos && part.find('=') > at;
}

}  // namespace

std::optional<UeventMessage> ParseUevent(std::span<const std::byte> datagram) {
  std::string_view rest(reinterpret_cast<const char*>(datagram.data()), datagram.size());
  UeventMessage message;
  bool has_header = false;
  bool has_seqnum = false;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (!has_header) {
      if (!IsHeader(part)) return std::nullopt;
      has_header = true;
      continue;
    }
    const size_t equals = part.find('=');
    if (equals == 0 || equals == std::string_view::npos) continue;
    const std::string_view key = part.substr(0, equals);
    const std::string_view value = part.substr(equals + 1);
    if (key == "ACTION") message.action = value;
    if (key == "DEVPATH") message.devpath = value;
    if (key == "SUBSYSTEM") message.subsystem = value;
    if (key == "SEQNUM") {
      const std::optional<uint64_t> number = ParseNumber(value);
      has_seqnum = number.has_value();
      message.seqnum = number.value_or(0);
    }
    if (!message.properties.empty()) message.properties += '\n';
    message.properties += Printable(part);
  }
  if (!has_seqnum || message.action.empty() || message.devpath.empty()) return std::nullopt;
  return message;
}

}  // namespace kchan::source
