// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_HOST_CHANNELS_H_
#define KCHAN_BRIDGE_SOURCE_HOST_CHANNELS_H_

#include <memory>
#include <vector>

#include "bridge/source/blocking_calls.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/host_channel.h"
#include "bridge/source/host_options.h"

namespace kchan::source {

// All that `options` name. `loop` outlives them; so does `calls`, which is
// where their files are read.
std::vector<std::unique_ptr<HostChannel>> MakeHostChannels(EventLoop& loop, BlockingCalls& calls,
                                                           const HostOptions& options);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_HOST_CHANNELS_H_
