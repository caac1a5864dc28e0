// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_CLOCK_H_
#define KCHAN_BRIDGE_RPC_CLOCK_H_

#include <cstdint>

namespace kchan::rpc {

// UTC minus CLOCK_BOOTTIME, now, in nanoseconds.
int64_t ClockOffsetNs();

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_CLOCK_H_
