// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/host_channels.h"

#include "bridge/source/kmsg_channel.h"

namespace kchan::source {

std::vector<std::unique_ptr<HostChannel>> MakeHostChannels(EventLoop& loop,
                                                           const HostOptions& options) {
  std::vector<std::unique_ptr<HostChannel>> channels;
  if (options.kernel_log) {
    channels.push_back(std::make_unique<KmsgChannel>(loop, *options.kernel_log));
  }
  return channels;
}

}  // namespace kchan::source
