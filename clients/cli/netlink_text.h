// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_NETLINK_TEXT_H_
#define KCHAN_CLIENTS_CLI_NETLINK_TEXT_H_

#include <string>

#include "kchan/v1/netlink_service.pb.h"

namespace kchan::cli {

// A message for people: its name, and below it one attribute a line, those
// inside others further to the right.
std::string MessageText(const v1::NetlinkMessage& message);

// The same as one line of JSON: {"operation":.., "command":.., "attributes":{..}},
// or "raw" in hexadecimal.
std::string MessageLine(const v1::NetlinkMessage& message);

// The attributes alone, as one line of JSON; "raw" where there are none.
std::string AttributesLine(const v1::NetlinkMessage& message);

// The name of a message, or its command.
std::string OperationText(const v1::NetlinkMessage& message);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_NETLINK_TEXT_H_
