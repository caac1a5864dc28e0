// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/resolve_metrics.h"

#include <string>

#include "bridge/config/address.h"
#include "bridge/config/field.h"

namespace kchan::config {

absl::Status ResolveMetrics(const v1::Config& from, Config& to) {
  if (!from.has_metrics()) return absl::OkStatus();
  const std::string& address = from.metrics().address();
  std::string host;
  if (absl::Status status = SplitAddress("metrics.address", address, host); !status.ok()) {
    return status;
  }
  if (!IsIpAddress(host)) {
    return Bad("metrics.address",
               absl::StrCat("'", host, "' must be an IP address, as 127.0.0.1 or [::1]"));
  }
  to.metrics = Metrics{.address = address, .is_loopback = IsLoopback(host)};
  return absl::OkStatus();
}

}  // namespace kchan::config
