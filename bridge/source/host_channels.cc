// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/host_channels.h"

#include "bridge/source/kmsg_channel.h"
#include "bridge/source/psi_channel.h"
#include "bridge/source/text_file_channel.h"
#include "bridge/source/uevent_channel.h"

namespace kchan::source {

std::vector<std::unique_ptr<HostChannel>> MakeHostChannels(EventLoop& loop, BlockingCalls& calls,
                                                           const HostOptions& options) {
  std::vector<std::unique_ptr<HostChannel>> channels;
  if (options.kernel_log) {
    channels.push_back(std::make_unique<KmsgChannel>(loop, *options.kernel_log));
  }
  if (options.uevents) {
    channels.push_back(std::make_unique<UeventChannel>(loop, options.uevent_receive_bytes));
  }
  for (const ValueFileOptions& file : options.value_files) {
    channels.push_back(std::make_unique<TextFileChannel>(loop, calls, file));
  }
  for (const PsiTriggerOptions& trigger : options.psi_triggers) {
    channels.push_back(std::make_unique<PsiChannel>(loop, calls, trigger));
  }
  return channels;
}

}  // namespace kchan::source
