// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_NETLINK_POLICIES_H_
#define KCHAN_BRIDGE_RPC_NETLINK_POLICIES_H_

#include "bridge/netlink/netlink_engine.h"
#include "kchan/v1/netlink_service.pb.h"

namespace kchan::rpc {

// Adds how the kernel checks requests of the operations that `to` has, with the
// names that the specification has for what it checks.
void AddPolicies(const netlink::DescribedFamily& described, v1::DescribeFamilyResponse& to);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_NETLINK_POLICIES_H_
