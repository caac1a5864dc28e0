// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KERNEL_LINK_H_
#define KCHAN_BRIDGE_SOURCE_KERNEL_LINK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "bridge/hub/value_feed.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/file_folder.h"
#include "bridge/source/genl_source.h"
#include "bridge/source/kernel_control.h"
#include "bridge/source/kernel_messages.h"
#include "bridge/source/link_options.h"
#include "bridge/source/record_source.h"
#include "bridge/source/ring_opener.h"

namespace kchan::source {

// What a channel's source asks of the kernel side, for as long as one module is
// loaded.
//
// Thread safety: the source thread only.
//
// Lifetime: outlives the sources that it attaches.
class KernelLink {
 public:
  virtual ~KernelLink() = default;

  // A channel is turned on in two steps, since its provider's enable may sleep.
  // The first is called once, on any thread, also after this link is gone; what
  // it returns is called on the source thread, or destroyed there, not after.
  using FinishAttach = absl::AnyInvocable<absl::StatusOr<std::unique_ptr<RecordSource>>()>;
  using StartAttach = absl::AnyInvocable<absl::StatusOr<FinishAttach>()>;

  // Turns a channel on and attaches to it. `values` is the channel's feed, for
  // a channel of values; it outlives the source.
  virtual StartAttach Attach(const ChannelMessage& channel, hub::ValueFeed& values) = 0;
  virtual absl::StatusOr<hub::Schema> GetSchema(const std::string& channel) = 0;
  virtual absl::StatusOr<ChannelMessage> GetChannel(const std::string& channel) = 0;
};

// kchan.ko itself.
class ModuleLink final : public KernelLink {
 public:
  ModuleLink(EventLoop& loop, const netlink::GenlFamily& family,
             std::unique_ptr<KernelControl> control, const LinkOptions& options,
             const std::string& boot_id)
      : loop_(loop),
        family_id_(family.id),
        options_(options),
        boot_id_(boot_id),
        control_(std::move(control)),
        rings_(options.device_path),
        records_(loop, family, options.genl_receive_bytes),
        files_(options.file_directory) {}

  KernelControl& control() { return *control_; }

  StartAttach Attach(const ChannelMessage& channel, hub::ValueFeed& values) override;
  absl::StatusOr<hub::Schema> GetSchema(const std::string& channel) override {
    return control_->GetSchema(channel);
  }
  absl::StatusOr<ChannelMessage> GetChannel(const std::string& channel) override {
    return control_->GetChannel(channel);
  }

 private:
  StartAttach AttachRings(const ChannelMessage& channel);
  StartAttach AttachGenl(const ChannelMessage& channel);
  StartAttach AttachChardev(const std::string& channel);
  StartAttach AttachRelay(const ChannelMessage& channel);
  StartAttach AttachValues(const std::string& channel, hub::ValueFeed& values);
  StartAttach AttachFile(const std::string& channel);
  StartAttach AttachLog(const std::string& channel);

  EventLoop& loop_;
  const uint16_t family_id_;
  const LinkOptions options_;
  const std::string boot_id_;
  const std::unique_ptr<KernelControl> control_;
  DeviceRings rings_;
  GenlRecords records_;
  FileFolder files_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KERNEL_LINK_H_
