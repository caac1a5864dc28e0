// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_CHANNEL_LOOKUP_H_
#define KCHAN_BRIDGE_RPC_CHANNEL_LOOKUP_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/kernel_door.h"

// From the name in a request to a channel that has the method asked for.
namespace kchan::rpc {

// NOT_FOUND: there is none.
absl::StatusOr<std::shared_ptr<hub::Channel>> FindChannel(const hub::Hub& hub,
                                                          const std::string& name);

// FAILED_PRECONDITION: the channel is of another kind; says which methods it
// has.
absl::StatusOr<std::shared_ptr<hub::Channel>> FindValues(const hub::Hub& hub,
                                                         const std::string& name);
absl::StatusOr<std::shared_ptr<hub::Channel>> FindBlocks(const hub::Hub& hub,
                                                         const std::string& name);
absl::Status CheckHasRecords(const hub::Channel& channel);
// The same of one whose records only go to the kernel.
absl::Status CheckGivesRecords(const hub::Channel& channel);

// FAILED_PRECONDITION: this daemon has none.
absl::StatusOr<hub::KernelDoor*> FindDoor(const hub::Hub& hub);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_CHANNEL_LOOKUP_H_
