// SPDX-License-Identifier: Apache-2.0
#include "node.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "waiting.h"

namespace kchan::cli::bench {
namespace {

// Room for several times what a channel can have queued; and for all channels
// within what a hub gives its logs together.
hub::LogLimits Limits() { return {.max_bytes = 24 << 20}; }

// A channel that nobody reads any more is let go of at once.
source::SourcePolicy OnDemand() { return {.always = false, .idle_close = absl::ZeroDuration()}; }

absl::Status NotReady(const hub::KernelSideStatus& status) {
  std::string text = "the kernel side is not ready";
  for (const hub::Problem& problem : status.problems) {
    absl::StrAppend(&text, "; ", problem.subject, ": ", problem.description, "; ", problem.remedy);
  }
  return absl::FailedPreconditionError(text);
}

}  // namespace

Node::Node(std::string folder)
    : folder_(std::move(folder)), hub_({}, [](std::string_view) { return Limits(); }) {}

Node::~Node() {
  hub_.SetDoor(nullptr);
  kernel_side_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

absl::StatusOr<std::unique_ptr<Node>> Node::Start() {
  std::string folder = (std::filesystem::temp_directory_path() / "kchan-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return absl::ErrnoToStatus(errno, folder);
  std::unique_ptr<Node> node(new Node(folder));
  source::KernelSideOptions options;
  options.link.file_directory = folder;
  options.policy_for = [](std::string_view) { return OnDemand(); };
  auto kernel_side = source::KernelSide::Start(node->hub_, std::move(options));
  if (!kernel_side.ok()) return kernel_side.status();
  node->kernel_side_ = *std::move(kernel_side);
  node->hub_.SetDoor(node->kernel_side_.get());
  const hub::KernelSideStatus status = node->hub_.kernel_side();
  if (status.state != hub::KernelSideState::kReady) return NotReady(status);
  return node;
}

absl::StatusOr<std::shared_ptr<hub::Channel>> Node::Find(const std::string& name) const {
  std::shared_ptr<hub::Channel> channel = hub_.Find(name);
  if (channel != nullptr) return channel;
  return absl::NotFoundError(
      absl::StrCat("no channel ", name, ": load kchan_bench.ko, which has it (insmod ",
                   "kmod/bench/kchan_bench.ko of the build for this kernel)"));
}

absl::Status AwaitState(hub::Hub& hub, const hub::Channel& channel, hub::ChannelState state) {
  const Deadline deadline = InSeconds(10);
  Sleeper sleeper;
  absl::Status status;
  while (true) {
    const uint64_t version = hub.version();
    const hub::ChannelSnapshot now = channel.snapshot();
    if (now.state == state) break;
    if (now.state == hub::ChannelState::kFailed) {
      status = absl::FailedPreconditionError(absl::StrCat(
          now.reason, " (if kchand reads it, stop kchand for the time of this measurement)"));
      break;
    }
    if (hub.Wait(version, &sleeper) && !sleeper.SleepUntil(deadline)) {
      status = absl::DeadlineExceededError(absl::StrCat("channel ", channel.name(), " is in state ",
                                                        static_cast<int>(now.state),
                                                        " and stays there"));
      break;
    }
  }
  hub.Disarm(&sleeper);
  return status;
}

}  // namespace kchan::cli::bench
