// SPDX-License-Identifier: Apache-2.0
#include "bridge/confine/capabilities.h"

#include <cap-ng.h>
#include <linux/capability.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"

namespace kchan::confine {

std::vector<int> CapabilitiesFor(const Features& features) {
  std::vector<int> needed = {CAP_NET_ADMIN};
  if (features.kernel_log) needed.push_back(CAP_SYSLOG);
  if (features.pressure) needed.push_back(CAP_SYS_RESOURCE);
  if (features.network_namespaces) needed.push_back(CAP_SYS_ADMIN);
  if (features.socket_groups) needed.push_back(CAP_CHOWN);
  if (features.low_ports) needed.push_back(CAP_NET_BIND_SERVICE);
  return needed;
}

std::string NamesOf(const std::vector<int>& capabilities) {
  std::string names;
  for (const int capability : capabilities) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", "cap_",
                    capng_capability_to_name(static_cast<unsigned>(capability)));
  }
  return names;
}

absl::Status KeepOnly(const std::vector<int>& capabilities) {
  if (capng_get_caps_process() != 0) {
    return absl::InternalError("this process' capabilities cannot be read");
  }
  std::vector<unsigned> kept;
  for (const int capability : capabilities) {
    const auto number = static_cast<unsigned>(capability);
    if (capng_have_capability(CAPNG_PERMITTED, number) != 0) kept.push_back(number);
  }
  const bool may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
  capng_clear(CAPNG_SELECT_ALL);
  for (const unsigned capability : kept) {
    capng_update(CAPNG_ADD,
                 static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET),
                 capability);
  }
  // The bound first: lowering it takes a capability that goes then.
  if (may_bound && capng_apply(CAPNG_SELECT_BOUNDS) != 0) {
    return absl::ErrnoToStatus(errno, "the bound of capabilities cannot be lowered");
  }
  if (capng_apply(CAPNG_SELECT_CAPS) != 0) {
    return absl::ErrnoToStatus(errno, "capabilities cannot be given up");
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // kernels have it since 4.3
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return absl::ErrnoToStatus(errno, "no_new_privs cannot be set");
  }
  return absl::OkStatus();
}

}  // namespace kchan::confine
