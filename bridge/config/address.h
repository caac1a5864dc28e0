// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_ADDRESS_H_
#define KCHAN_BRIDGE_CONFIG_ADDRESS_H_

#include <string>

#include "absl/status/status.h"

namespace kchan::config {

// Splits "HOST:PORT"; brackets around an IPv6 address are taken off.
// INVALID_ARGUMENT names `field`.
absl::Status SplitAddress(const std::string& field, const std::string& address, std::string& host);

bool IsIpAddress(const std::string& host);

// Names other than localhost may resolve to anything: they are not.
bool IsLoopback(const std::string& host);

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_ADDRESS_H_
