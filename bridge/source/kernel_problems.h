// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KERNEL_PROBLEMS_H_
#define KCHAN_BRIDGE_SOURCE_KERNEL_PROBLEMS_H_

#include <string>

#include "absl/status/status.h"
#include "bridge/hub/hub.h"
#include "bridge/source/kernel_messages.h"

// What can be wrong with the kernel side, in words for operators.
namespace kchan::source {

hub::Problem AbsentProblem();
hub::Problem AbiProblem(const NodeMessage& node);
hub::Problem QuiescedProblem();
hub::Problem FailedProblem(const absl::Status& status);
// A channel that should be live and is not.
hub::Problem ChannelProblem(const std::string& channel, const absl::Status& status);
// Why a channel has no place in the hub.
inline constexpr char kHubIsFull[] =
    "limits.max_channels is reached, and no channel without readers has ended";
// A channel that the hub has no place for.
hub::Problem RefusedProblem(const std::string& channel, const std::string& reason);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KERNEL_PROBLEMS_H_
