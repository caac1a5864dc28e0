// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_NETLINK_DESCRIPTION_H_
#define KCHAN_BRIDGE_RPC_NETLINK_DESCRIPTION_H_

#include "absl/status/statusor.h"
#include "bridge/hub/hub.h"
#include "bridge/netlink/netlink_engine.h"
#include "kchan/v1/netlink_service.pb.h"

namespace kchan::rpc {

// Answers `request` by what is known of its family. `hub` knows which of its
// groups are channels.
//
// NOT_FOUND: there is no such operation; FAILED_PRECONDITION: it would be longer
// than clients take.
absl::StatusOr<v1::DescribeFamilyResponse> Describe(const netlink::DescribedFamily& described,
                                                    const v1::DescribeFamilyRequest& request,
                                                    const hub::Hub& hub);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_NETLINK_DESCRIPTION_H_
