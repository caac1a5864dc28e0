// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kmsg_source.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <utility>

#include "bridge/source/kmsg_clock.h"
#include "bridge/source/kmsg_payload.h"
#include "bridge/source/payload_builder.h"

namespace kchan::source {
namespace {

constexpr int kRecordsPerTurn = 256;
constexpr char kOverwritten[] = "kernel log overwritten before it was read";
constexpr char kUnreadable[] = "record of the kernel log not understood";

}  // namespace

KmsgSource::KmsgSource(EventLoop& loop, UniqueFd file, uint64_t& next)
    : file_(std::move(file)), next_(next), timer_(loop, [this] { Turn(); }) {}

absl::StatusOr<std::unique_ptr<KmsgSource>> KmsgSource::Create(EventLoop& loop, UniqueFd file,
                                                               uint64_t& next) {
  auto source = std::unique_ptr<KmsgSource>(new KmsgSource(loop, std::move(file), next));
  auto watch =
      FdWatch::Create(loop, source->file_.get(), EPOLLIN, [source = source.get()](uint32_t) {
        if (source->log_ != nullptr) source->timer_.Start(absl::ZeroDuration());
      });
  if (!watch.ok()) return watch.status();
  source->watch_ = *std::move(watch);
  if (next != 0) return source;
  // The numbers begin with the oldest record that is still there.
  Got got = source->ReadOne();
  while (got == Got::kUnreadable) got = source->ReadOne();
  if (got == Got::kError) return absl::ErrnoToStatus(source->error_, "/dev/kmsg: cannot be read");
  next = got == Got::kRecord ? source->record_->sequence + 1 : 1;
  return source;
}

void KmsgSource::Start(hub::Log& log, OnEnd on_end) {
  log_ = &log;
  on_end_ = std::move(on_end);
  timer_.Start(absl::ZeroDuration());
}

void KmsgSource::Turn() {
  suspended_ns_ = SuspendedNs();
  if (record_) Take(*record_);  // from Create()
  record_.reset();
  Got got = Got::kRecord;
  for (int i = 0; i < kRecordsPerTurn && got != Got::kNothing && got != Got::kError; ++i) {
    got = ReadOne();
    if (got == Got::kRecord) Take(*record_);
  }
  log_->Publish();
  if (got == Got::kError) {
    const OnEnd on_end = std::move(on_end_);
    return on_end(absl::ErrnoToStatus(error_, "/dev/kmsg: cannot be read any more"));
  }
  if (got != Got::kNothing) return timer_.Start(absl::ZeroDuration());
  log_->CaughtUp();
  if (const auto caught_up = std::exchange(caught_up_, nullptr)) caught_up();
}

KmsgSource::Got KmsgSource::ReadOne() {
  record_.reset();
  for (;;) {
    const ssize_t size = read(file_.get(), buffer_.data(), buffer_.size());
    if (size > 0) {
      record_ = ParseKmsg({buffer_.data(), static_cast<size_t>(size)});
      if (record_) return Got::kRecord;
      ++unreadable_;
      return Got::kUnreadable;
    }
    if (size == 0) errno = ENODEV;  // a log has no end
    // EPIPE: what was next has been overwritten. The next read gives what has
    // taken its place, and its number says how many are gone.
    if (errno == EPIPE || errno == EINTR) continue;
    if (errno == EAGAIN) return Got::kNothing;
    if (errno == EINVAL) {  // longer than the buffer; the kernel has passed over it
      ++unreadable_;
      return Got::kUnreadable;
    }
    error_ = errno;
    return Got::kError;
  }
}

void KmsgSource::Take(const KmsgRecord& record) {
  const uint64_t number = record.sequence + 1;
  if (number < next_) return;  // in the log since an earlier activation
  Lose(number - next_);
  PayloadBuilder<KmsgPayload> payload;
  KmsgPayload fixed{};
  fixed.sequence = record.sequence;
  fixed.time_us = record.time_us;
  fixed.level = record.level;
  fixed.facility = record.facility;
  fixed.flags = record.continuation ? kKmsgContinuation : 0;
  fixed.caller = payload.Add(record.caller);
  fixed.dictionary = payload.Add(record.dictionary);
  fixed.text = payload.Add(record.text);
  log_->Append(
      {.boottime_ns = record.time_us * 1000 + suspended_ns_, .cpu = 0, .type = kKmsgRecordType},
      payload.Finish(fixed));
  next_ = number + 1;
}

void KmsgSource::Lose(uint64_t count) {
  const uint64_t unreadable = std::min(std::exchange(unreadable_, 0), count);
  for (const auto& [part, stage, cause] :
       {std::tuple(count - unreadable, hub::LossStage::kKernelRing, kOverwritten),
        std::tuple(unreadable, hub::LossStage::kSource, kUnreadable)}) {
    if (part == 0) continue;
    log_->AppendLoss(
        {.first_sequence = 0, .count = part, .stage = stage, .cpu = std::nullopt, .cause = cause});
  }
}

}  // namespace kchan::source
