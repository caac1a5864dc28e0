// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kernel_side.h"

#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/netlink/channel_name.h"
#include "bridge/source/blocking_calls.h"
#include "bridge/source/control_pool.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/host_channels.h"
#include "bridge/source/host_side.h"
#include "bridge/source/kernel_follower.h"
#include "bridge/source/kernel_report.h"
#include "bridge/source/module_door.h"
#include "bridge/source/netlink_channels.h"

namespace kchan::source {
namespace {

// Channels that are being turned on; more wait for their turn.
constexpr size_t kMaxBlockingCalls = 8;
// Value files that are being read: apart from those, so that drivers which do
// not answer hold up no channel of the module.
constexpr size_t kMaxFileReads = 4;
// The source thread never takes so long; but nobody waits for ever.
constexpr std::chrono::seconds kReadBackTimeout(5);

}  // namespace

class KernelSide::Impl {
 public:
  Impl(std::unique_ptr<EventLoop> loop, hub::Hub& hub, KernelSideOptions options)
      : loop_(std::move(loop)),
        cpus_(options.cpus),
        running_(options.running),
        calls_(*loop_, kMaxBlockingCalls, *running_),
        reads_(*loop_, kMaxFileReads, *running_),
        report_(hub),
        host_(*loop_, hub, report_, MakeHostChannels(*loop_, reads_, options.host),
              options.policy_for),
        netlink_(*loop_, hub, report_, *running_, options.netlink, options.policy_for),
        module_(hub, pool_, options.link.device_path),
        follower_(
            *loop_, hub, report_, pool_, calls_, options.link, std::move(options.policy_for),
            [this](const std::string& channel) { return host_.Has(channel); },
            [this] { module_.LetGo(); }) {}

  ~Impl() {
    // Meanwhile everything else is read on. Who turns a channel on cannot be
    // interrupted: this takes as long as its provider.
    calls_.Stop();
    reads_.Stop();
    netlink_.Stop();
    if (!thread_.joinable()) return;
    loop_->Stop();
    thread_.join();
  }

  absl::Status Start() {
    // The first look is taken here: nobody else is on the loop yet.
    if (absl::Status status = follower_.Start(); !status.ok()) return status;
    host_.Start();
    netlink_.Start();
    thread_ = std::thread([this] {
      if (cpus_) cpus_->Enter();
      loop_->Run();
    });
    return absl::OkStatus();
  }

  // When it returns the hub knows how the channel is now. On the source thread,
  // in turn with the announcements: else an older one could win.
  void ReadBack(const std::string& channel) {
    auto done = std::make_shared<std::promise<void>>();
    std::future<void> is_done = done->get_future();
    loop_->Post([this, channel, done] {
      follower_.ReadBack(channel);
      done->set_value();
    });
    (void)is_done.wait_for(kReadBackTimeout);
  }

  // A request to the kernel, until it is destroyed.
  hub::RunningCalls::Call Running(const char* what, const std::string& channel) {
    return {*running_, absl::StrCat(what, " of channel ", channel)};
  }

  HostSide& host() { return host_; }
  NetlinkChannels& netlink() { return netlink_; }
  ModuleDoor& module() { return module_; }
  KernelFollower& follower() { return follower_; }
  EventLoop& loop() { return *loop_; }

 private:
  const std::unique_ptr<EventLoop> loop_;
  const std::optional<hub::Cpus> cpus_;
  const std::shared_ptr<hub::RunningCalls> running_;
  BlockingCalls calls_;
  BlockingCalls reads_;  // of value files
  ControlPool pool_;
  KernelReport report_;
  HostSide host_;
  NetlinkChannels netlink_;
  ModuleDoor module_;
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
    impl->netlink().SetPolicy(policy_for);
    impl->follower().SetPolicy(std::move(policy_for));
  });
}

hub::KernelAnswer KernelSide::Publish(const std::string& channel, uint32_t type,
                                      std::span<const std::byte> payload) {
  const auto running = impl_->Running("publishing a record", channel);
  if (impl_->host().Has(channel)) return impl_->host().Publish(channel, type, payload);
  return impl_->module().Publish(channel, type, payload);
}

hub::KernelAnswer KernelSide::Update(const std::string& channel,
                                     const hub::ChannelSettings& settings) {
  const auto running = impl_->Running("changing the settings", channel);
  if (impl_->host().Has(channel) || netlink::IsChannelName(channel)) {
    return {.status = absl::UnimplementedError(
                absl::StrCat("channel ", channel,
                             " has nothing that can be set: it is not the "
                             "module's, kchand's configuration says how it is read")),
            .kernel_errno = 0};
  }
  hub::KernelAnswer answer = impl_->module().Update(channel, settings);
  if (answer.status.ok()) impl_->ReadBack(channel);
  return answer;
}

absl::StatusOr<hub::ValueSnapshot> KernelSide::ReadValues(const std::string& channel) {
  const auto running = impl_->Running("reading the values", channel);
  if (impl_->host().Has(channel)) return impl_->host().ReadValues(channel);
  return impl_->module().ReadValues(channel);
}

absl::StatusOr<hub::ValueChanged> KernelSide::ChangeValue(const std::string& channel,
                                                          const hub::ValueChange& change) {
  const auto running = impl_->Running("changing a value", channel);
  if (impl_->host().Has(channel)) return impl_->host().ChangeValue(channel, change);
  return impl_->module().ChangeValue(channel, change);
}

absl::Status KernelSide::ReadBlocks(const std::string& channel, uint64_t offset,
                                    std::span<std::byte> to) {
  const auto running = impl_->Running("reading blocks", channel);
  return impl_->module().ReadBlocks(channel, offset, to);
}

absl::Status KernelSide::WriteBlocks(const std::string& channel, uint64_t offset,
                                     std::span<const std::byte> from) {
  const auto running = impl_->Running("writing blocks", channel);
  return impl_->module().WriteBlocks(channel, offset, from);
}

absl::Status KernelSide::FlushBlocks(const std::string& channel) {
  const auto running = impl_->Running("flushing the blocks", channel);
  return impl_->module().FlushBlocks(channel);
}

void KernelSide::DemandChanged(std::shared_ptr<hub::Channel> channel) {
  impl_->loop().Post([impl = impl_.get(), name = channel->name()] {
    impl->host().DemandChanged(name);
    impl->netlink().DemandChanged(name);
    impl->follower().DemandChanged(name);
  });
}

}  // namespace kchan::source
