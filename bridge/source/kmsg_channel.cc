// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kmsg_channel.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/kmsg_payload.h"
#include "bridge/source/kmsg_source.h"

namespace kchan::source {
namespace {

constexpr uint32_t kMaxPayloadBytes = 16 << 10;  // of the longest record, well above the kernel's

hub::ChannelDescription Describe(const KernelLogOptions& options) {
  hub::ChannelDescription description;
  description.name = "kmsg";
  description.documentation =
      "The kernel log: every record of it, from the oldest that the kernel still has.";
  description.provider = "kernel";
  description.transport = "kmsg";
  description.volume = hub::Volume::kMessages;
  description.path = options.path;
  // Also where writing is not allowed: who tries is told why.
  description.direction = hub::Direction::kBoth;
  description.max_record_bytes = kMaxPayloadBytes;
  return description;
}

}  // namespace

KmsgChannel::KmsgChannel(EventLoop& loop, const KernelLogOptions& options)
    : HostChannel(Describe(options), KmsgSchema()),
      loop_(loop),
      options_(options),
      writer_(options.path) {}

absl::StatusOr<std::unique_ptr<RecordSource>> KmsgChannel::Attach(hub::ValueFeed& /*values*/) {
  UniqueFd file(open(options_.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!file) {
    return absl::ErrnoToStatus(errno, absl::StrCat(options_.path, ": cannot be opened to read"));
  }
  auto source = KmsgSource::Create(loop_, std::move(file), next_);
  if (!source.ok()) return source.status();
  return std::unique_ptr<RecordSource>(*std::move(source));
}

std::string KmsgChannel::RemedyFor(const absl::Status& status) const {
  switch (status.code()) {
    case absl::StatusCode::kPermissionDenied:
      return "run kchand with CAP_SYSLOG (or set kernel.dmesg_restrict to 0), let it read the "
             "file, and do not set kernel.printk_devkmsg to off";
    case absl::StatusCode::kNotFound:
      return absl::StrCat("give kchand's container the device ", options_.path,
                          " (character device 1:11), or set kernel_log { disabled: true }");
    default:
      return "none is needed if it passes: kchand keeps trying, ever more seldom";
  }
}

hub::KernelAnswer KmsgChannel::Publish(uint32_t type, std::span<const std::byte> payload) {
  const auto refuse = [](absl::Status status) {
    return hub::KernelAnswer{.status = std::move(status), .kernel_errno = 0};
  };
  if (!options_.publish) {
    return refuse(absl::PermissionDeniedError(
        "channel kmsg: writing to the kernel log is not allowed on this node: its kchand's "
        "configuration needs kernel_log { publish: true }"));
  }
  if (type != kKmsgLineType) {
    return refuse(absl::InvalidArgumentError(absl::StrCat(
        "channel kmsg: type ", type, " cannot be written, only ", kKmsgLineType, " (line)")));
  }
  const absl::StatusOr<std::string> line = KmsgLineOf(payload);
  if (!line.ok()) return refuse(line.status());
  return writer_.Write(*line);
}

}  // namespace kchan::source
