// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_NETLINK_OPTIONS_H_
#define KCHAN_BRIDGE_NETLINK_NETLINK_OPTIONS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace kchan::netlink {

// Which families clients may read and ask, and where.
// kchan.config.v1.Netlink documents each part.
struct NetlinkOptions {
  bool enabled = true;
  std::vector<std::string> read = {"*"};  // globs: FAMILY, FAMILY:OPERATION, FAMILY:GROUP
  std::vector<std::string> privileged = {};
  std::map<std::string, std::string> network_namespaces = {};  // paths by name
  // A later one's specs win. Those that are only usual need not be there.
  std::vector<std::string> usual_spec_directories = {};
  std::vector<std::string> spec_directories = {};
  int receive_bytes = 4 << 20;  // room for messages of a group that are not read yet
  absl::Duration request_timeout = absl::Seconds(30);
  bool route = false;  // the protocol "route" of classic netlink, for reading
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_NETLINK_OPTIONS_H_
