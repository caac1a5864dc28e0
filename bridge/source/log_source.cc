// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/log_source.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/kmsg_clock.h"
#include "bridge/source/kmsg_record.h"
#include "bridge/source/log_line.h"

namespace kchan::source {
namespace {

constexpr int kRecordsPerTurn = 256;
constexpr char kWithheld[] = "withheld by the rate limit or a full queue";
constexpr char kOverwritten[] = "withheld, or kernel log overwritten before it was read";

absl::Status OpenError(const std::string& channel, const std::string& path, int error) {
  const std::string what =
      absl::StrCat("channel ", channel, ": its lines are read from ", path, ", which cannot be");
  if (error == EPERM || error == EACCES) {
    return absl::PermissionDeniedError(
        absl::StrCat(what, ": run kchand with CAP_SYSLOG, or set kernel.dmesg_restrict to 0"));
  }
  return absl::ErrnoToStatus(error, what);
}

}  // namespace

absl::StatusOr<LogSource::Attachment> LogSource::Enabled(uint16_t family,
                                                         const std::string& channel,
                                                         const std::string& kmsg_path) {
  // First the place in the kernel log, then the number: no line in between is
  // missed, those that are known already are seen by their numbers.
  UniqueFd kmsg(open(kmsg_path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!kmsg || lseek(kmsg.get(), 0, SEEK_END) < 0) return OpenError(channel, kmsg_path, errno);
  auto opened = KernelControl::Open(family);
  if (!opened.ok()) return opened.status();
  const std::shared_ptr<KernelControl> control = *std::move(opened);  // owns the demand
  Enable enable = [control, channel] { return control->Enable(channel); };
  const absl::StatusOr<EnabledMessage> enabled = enable();
  if (!enabled.ok()) return enabled.status();
  return Attachment{.kmsg = std::move(kmsg), .enable = std::move(enable), .enabled = *enabled};
}

LogSource::LogSource(EventLoop& loop, UniqueFd kmsg, Enable enable, const std::string& channel,
                     const EnabledMessage& enabled)
    : loop_(loop),
      kmsg_(std::move(kmsg)),
      enable_(std::move(enable)),
      channel_(channel),
      generation_(enabled.generation),
      tally_(enabled.sequence, {.cause = kWithheld}),
      timer_(loop, [this] { Turn(); }) {}

void LogSource::Start(hub::Log& log, OnEnd on_end) {
  log_ = &log;
  on_end_ = std::move(on_end);
  auto watch = FdWatch::Create(loop_, kmsg_.get(), EPOLLIN,
                               [this](uint32_t) { timer_.Start(absl::ZeroDuration()); });
  if (!watch.ok()) return End(watch.status());
  watch_ = *std::move(watch);
  timer_.Start(absl::ZeroDuration());
}

void LogSource::ChannelGone() {
  gone_ = true;
  if (log_ != nullptr) timer_.Start(absl::ZeroDuration());
}

void LogSource::Turn() {
  suspended_ns_ = SuspendedNs();
  Got got = Got::kRecord;
  for (int i = 0; i < kRecordsPerTurn && got == Got::kRecord; ++i) got = ReadOne();
  const int error = errno;
  if (got == Got::kNothing) Settle();
  log_->Publish();
  if (got == Got::kError) {
    return End(absl::ErrnoToStatus(error, "the kernel log cannot be read any more"));
  }
  if (got == Got::kRecord) return timer_.Start(absl::ZeroDuration());
  if (gone_ && !timer_.armed()) End(absl::OkStatus());
}

LogSource::Got LogSource::ReadOne() {
  const ssize_t size = read(kmsg_.get(), buffer_.data(), buffer_.size());
  if (size == 0) errno = ENODEV;  // a log has no end
  if (size <= 0) {
    if (errno == EAGAIN) return Got::kNothing;
    // EPIPE: what was next has been overwritten.
    if (errno == EPIPE) {
      overwritten_ = true;
      tally_.set_blame({.stage = hub::LossStage::kKernelTransport, .cause = kOverwritten});
    }
    // EINVAL: a record longer than any of ours; the kernel has passed over it.
    return errno == EPIPE || errno == EINTR || errno == EINVAL ? Got::kRecord : Got::kError;
  }
  const auto record = ParseKmsg({buffer_.data(), static_cast<size_t>(size)});
  if (!record) return Got::kRecord;
  const std::optional<LogLine> line = ParseLogLine(*record, channel_);
  if (!line) return Got::kRecord;
  if (line->is_summary) {
    tally_.Lose(line->sequence, *log_);
    return Got::kRecord;
  }
  tally_.Take({.header = {.boottime_ns = record->time_us * 1000 + suspended_ns_,
                          .cpu = 0,
                          .type = KCHAN_LOG_TYPE_LINE},
               .sequence = line->sequence,
               .payload = std::as_bytes(std::span(line->text))},
              *log_);
  return Got::kRecord;
}

// What had left when the kernel was asked is in the kernel log, or was: so look
// once more before what is missing is lost.
void LogSource::Settle() {
  if (used_) {
    tally_.Lose(*used_, *log_);
    used_.reset();
    tally_.set_blame({.cause = kWithheld});
  }
  if (!std::exchange(overwritten_, false)) return;
  const absl::StatusOr<EnabledMessage> now = enable_();
  if (!now.ok() || now->generation != generation_) return;
  used_ = now->sequence;
  timer_.Start(absl::ZeroDuration());
}

void LogSource::End(absl::Status status) {
  timer_.Cancel();
  watch_.reset();
  // May destroy us.
  const OnEnd on_end = std::move(on_end_);
  on_end(std::move(status));
}

}  // namespace kchan::source
