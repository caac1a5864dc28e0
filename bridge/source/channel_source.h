// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_CHANNEL_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_CHANNEL_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bridge/hub/channel.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/kernel_link.h"
#include "bridge/source/record_source.h"
#include "bridge/source/source_policy.h"

namespace kchan::source {

// What all channels' sources share. Outlives them.
struct ChannelSourceContext {
  EventLoop& loop;
  std::string boot_id;
  SourcePolicyFor policy_for;
  // A channel's problem() has changed.
  std::function<void()> on_problem;
  // A channel has ended: another may take its place in the hub.
  std::function<void()> on_ended;
  // Makes a call that may block, then runs `then` on the loop's thread.
  std::function<void(std::string what, std::function<void()> call, EventLoop::Task then)>
      call_blocking;
};

// One channel of the hub and its kernel side: turns it on while it is wanted,
// follows it through the end and the return of its module (each activation is
// an epoch of the same log), tries again what failed. While its provider takes
// its time to turn it on, it is as it was before.
//
// Thread safety: the source thread only.
class ChannelSource {
 public:
  ChannelSource(ChannelSourceContext& context, std::shared_ptr<hub::Channel> channel);
  ~ChannelSource();

  // The kernel has this channel, registered as `kernel` says, behind `link`,
  // which lives until Gone().
  void SetKernel(KernelLink& link, const ChannelMessage& kernel);
  // The kernel has no channel of this id any more; `reason` says why, for
  // people. Records that are still on their way are read first.
  void Gone(uint32_t id, const std::string& reason);
  // The whole kernel side has gone: nothing can be read any more.
  void LinkGone(const std::string& reason);
  void RingsAppeared();

  // Its readers, or the policy, have changed.
  void Reconsider();

  const std::string& name() const { return channel_->name(); }
  const std::shared_ptr<hub::Channel>& channel() const { return channel_; }
  uint32_t kernel_id() const { return kernel_.id; }
  // Why it is not live though it should be; OK otherwise.
  const absl::Status& problem() const { return problem_; }

 private:
  // An attempt to turn it on, part of which runs elsewhere.
  struct Opening {
    KernelLink::StartAttach start;
    absl::StatusOr<KernelLink::FinishAttach> finish = absl::UnknownError("not started");
    bool is_abandoned = false;
  };

  void LearnSchema();
  bool Wanted(const SourcePolicy& policy) const;
  void Open();
  void Opened(Opening& opening);
  absl::Status Finish(Opening& opening);
  void AbandonOpening();
  // Makes the log ready for the numbers of `source`.
  void BeginEpoch(RecordSource& source, uint64_t schema_id);
  void Ended(absl::Status status);
  void TellEnded();
  void Close();
  void Fail(absl::Status status);
  void SetProblem(absl::Status problem);
  void ForgetFailures();

  ChannelSourceContext& context_;
  const std::shared_ptr<hub::Channel> channel_;
  KernelLink* link_ = nullptr;
  ChannelMessage kernel_;  // as last heard
  bool present_ = false;   // registered in the kernel, and not dead
  std::string gone_reason_;
  std::shared_ptr<Opening> opening_;
  std::unique_ptr<RecordSource> source_;
  uint32_t source_id_ = 0;   // kernel_.id when it was attached
  uint64_t generation_ = 0;  // of epoch_
  uint64_t epoch_ = 0;       // of the log
  absl::Status problem_;
  absl::Duration retry_delay_;
  Timer retry_;  // after a failure
  Timer idle_;   // after the last reader
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_CHANNEL_SOURCE_H_
