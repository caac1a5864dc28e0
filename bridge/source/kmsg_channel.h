// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KMSG_CHANNEL_H_
#define KCHAN_BRIDGE_SOURCE_KMSG_CHANNEL_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "bridge/source/event_loop.h"
#include "bridge/source/host_channel.h"
#include "bridge/source/host_options.h"
#include "bridge/source/kmsg_writer.h"

namespace kchan::source {

// The kernel log as the channel "kmsg".
class KmsgChannel final : public HostChannel {
 public:
  KmsgChannel(EventLoop& loop, const KernelLogOptions& options);

  absl::StatusOr<std::unique_ptr<RecordSource>> Attach(hub::ValueFeed& values) override;
  std::string RemedyFor(const absl::Status& status) const override;
  hub::KernelAnswer Publish(uint32_t type, std::span<const std::byte> payload) override;

 private:
  EventLoop& loop_;
  const KernelLogOptions options_;
  KmsgWriter writer_;
  uint64_t next_ = 0;  // see KmsgSource::Create(); the source thread's
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KMSG_CHANNEL_H_
