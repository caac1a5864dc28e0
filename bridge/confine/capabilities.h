// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFINE_CAPABILITIES_H_
#define KCHAN_BRIDGE_CONFINE_CAPABILITIES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace kchan::confine {

// What of kchand is used, as far as the kernel keeps it for capabilities.
struct Features {
  bool kernel_log = false;          // the channel "kmsg"
  bool pressure = false;            // PSI triggers
  bool network_namespaces = false;  // others than kchand's own
  bool socket_groups = false;       // Unix sockets that belong to another group
  bool low_ports = false;           // below 1024
};

// The capabilities that these need, beside CAP_NET_ADMIN, which the module's
// generic-netlink family wants of whoever turns channels on.
std::vector<int> CapabilitiesFor(const Features& features);

// "cap_net_admin, cap_syslog".
std::string NamesOf(const std::vector<int>& capabilities);

// Gives up all of this thread's capabilities but these, of which it keeps what it
// has, for itself, for all threads that it makes and for good; neither a
// set-user-ID program nor a file's capabilities give any back (no_new_privs).
// Call it before there is another thread.
absl::Status KeepOnly(const std::vector<int>& capabilities);

}  // namespace kchan::confine

#endif  // KCHAN_BRIDGE_CONFINE_CAPABILITIES_H_
