// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_ENDING_H_
#define KCHAN_BRIDGE_ENDING_H_

#include <chrono>
#include <csignal>
#include <memory>

#include "bridge/hub/running_calls.h"

namespace kchan {

// What kchand exits with if it could not end in order.
inline constexpr int kForcedExit = 3;

// From now on the process ends by itself within `timeout`, or is ended: a call
// into the kernel cannot be interrupted, and one that does not return would
// keep it for ever. Says which calls those are. Ends it at once when one more
// of `signals` comes, which every thread blocks.
void EndWithin(std::chrono::milliseconds timeout, const sigset_t& signals,
               std::shared_ptr<const hub::RunningCalls> calls);

}  // namespace kchan

#endif  // KCHAN_BRIDGE_ENDING_H_
