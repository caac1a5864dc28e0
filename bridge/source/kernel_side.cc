// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kernel_side.h"

#include <limits>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/control_pool.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/host_channels.h"
#include "bridge/source/host_side.h"
#include "bridge/source/kernel_follower.h"
#include "bridge/source/kernel_report.h"

namespace kchan::source {

class KernelSide::Impl {
 public:
  Impl(std::unique_ptr<EventLoop> loop, hub::Hub& hub, KernelSideOptions options)
      : loop_(std::move(loop)),
        report_(hub),
        host_(*loop_, hub, report_, MakeHostChannels(*loop_, options.host), options.policy_for),
        follower_(*loop_, hub, report_, pool_, options.link, std::move(options.policy_for),
                  [this](const std::string& channel) { return host_.Has(channel); }) {}

  ~Impl() {
    if (!thread_.joinable()) return;
    loop_->Stop();
    thread_.join();
  }

  absl::Status Start() {
    // The first look is taken here: nobody else is on the loop yet.
    if (absl::Status status = follower_.Start(); !status.ok()) return status;
    host_.Start();
    thread_ = std::thread([this] { loop_->Run(); });
    return absl::OkStatus();
  }

  ControlPool& pool() { return pool_; }
  HostSide& host() { return host_; }
  KernelFollower& follower() { return follower_; }
  EventLoop& loop() { return *loop_; }

 private:
  const std::unique_ptr<EventLoop> loop_;
  ControlPool pool_;
  KernelReport report_;
  HostSide host_;
  KernelFollower follower_;
  std::thread thread_;
};

KernelSide::KernelSide(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

KernelSide::~KernelSide() = default;

absl::StatusOr<std::unique_ptr<KernelSide>> KernelSide::Start(hub::Hub& hub,
                                                              KernelSideOptions options) {
  auto loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  auto impl = std::make_unique<Impl>(*std::move(loop), hub, std::move(options));
  if (absl::Status status = impl->Start(); !status.ok()) return status;
  return std::unique_ptr<KernelSide>(new KernelSide(std::move(impl)));
}

void KernelSide::SetPolicy(SourcePolicyFor policy_for) {
  impl_->loop().Post([impl = impl_.get(), policy_for = std::move(policy_for)]() mutable {
    impl->host().SetPolicy(policy_for);
    impl->follower().SetPolicy(std::move(policy_for));
  });
}

hub::KernelAnswer KernelSide::Publish(const std::string& channel, uint32_t type,
                                      std::span<const std::byte> payload) {
  if (type > std::numeric_limits<uint16_t>::max()) {
    return {.status = absl::InvalidArgumentError(absl::StrCat(
                "record to channel ", channel, ": type ", type, " is none of any schema")),
            .kernel_errno = 0};
  }
  if (payload.size() > KCHAN_MAX_RECORD_BYTES) {
    return {.status = absl::InvalidArgumentError(
                absl::StrCat("record to channel ", channel, ": ", payload.size(),
                             " bytes, the longest record has ", KCHAN_MAX_RECORD_BYTES)),
            .kernel_errno = 0};
  }
  if (impl_->host().Has(channel)) return impl_->host().Publish(channel, type, payload);
  return impl_->pool().Run([&](KernelControl& control) {
    return control.Send(channel, static_cast<uint16_t>(type), payload);
  });
}

hub::KernelAnswer KernelSide::Update(const std::string& channel,
                                     const hub::ChannelSettings& settings) {
  if (impl_->host().Has(channel)) {
    return {.status = absl::UnimplementedError(
                absl::StrCat("channel ", channel, " has nothing that can be set: it is not the "
                             "module's, kchand's configuration says how it is read")),
            .kernel_errno = 0};
  }
  return impl_->pool().Run([&](KernelControl& control) { return control.Set(channel, settings); });
}

absl::StatusOr<hub::ValueSnapshot> KernelSide::ReadValues(const std::string& channel) {
  if (impl_->host().Has(channel)) return impl_->host().ReadValues(channel);
  return hub::KernelDoor::ReadValues(channel);
}

absl::StatusOr<hub::ValueChanged> KernelSide::ChangeValue(const std::string& channel,
                                                          const hub::ValueChange& change) {
  if (impl_->host().Has(channel)) return impl_->host().ChangeValue(channel, change);
  return hub::KernelDoor::ChangeValue(channel, change);
}

void KernelSide::DemandChanged(std::shared_ptr<hub::Channel> channel) {
  impl_->loop().Post([impl = impl_.get(), name = channel->name()] {
    impl->host().DemandChanged(name);
    impl->follower().DemandChanged(name);
  });
}

}  // namespace kchan::source
