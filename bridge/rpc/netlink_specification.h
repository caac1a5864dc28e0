// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_NETLINK_SPECIFICATION_H_
#define KCHAN_BRIDGE_RPC_NETLINK_SPECIFICATION_H_

#include "bridge/netlink/spec/spec.h"
#include "kchan/v1/netlink_service.pb.h"

namespace kchan::rpc {

// Adds what `spec` says of the operations that `to.family` has, of what notifies
// of them (`is_whole`: of all that the family multicasts), and all that these
// messages consist of.
void AddSpecification(const netlink::Spec& spec, bool is_whole, v1::DescribeFamilyResponse& to);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_NETLINK_SPECIFICATION_H_
