// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/chardev_source.h"

#include <sys/epoll.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kchan::source {
namespace {

constexpr int kReadsPerTurn = 4;  // before others have their turn

}  // namespace

std::unique_ptr<RecordSource> ChardevSource::Of(EventLoop& loop, AttachedFile file,
                                                const std::string& channel) {
  const kchan_attach attach = file.attach();
  return std::make_unique<ChardevSource>(loop, file.TakeFd(), channel, attach.generation,
                                         attach.sequence);
}

ChardevSource::ChardevSource(EventLoop& loop, UniqueFd fd, const std::string& channel,
                             uint64_t generation, uint64_t sequence)
    : loop_(loop),
      fd_(std::move(fd)),
      channel_(channel),
      generation_(generation),
      tally_(sequence, {.cause = "queue full, or taken by another reader"}),
      timer_(loop, [this] { Turn(); }) {}

void ChardevSource::Start(hub::Log& log, OnEnd on_end) {
  log_ = &log;
  on_end_ = std::move(on_end);
  auto watch = FdWatch::Create(loop_, fd_.get(), EPOLLIN, [this](uint32_t) {
    if (!timer_.armed()) timer_.Start(pace_.Delay());
  });
  if (!watch.ok()) return End(watch.status());
  watch_ = *std::move(watch);
  timer_.Start(absl::ZeroDuration());
}

void ChardevSource::Turn() {
  turn_records_ = 0;
  absl::StatusOr<Found> found = Found::kMore;
  for (int i = 0; i < kReadsPerTurn && found.ok() && *found == Found::kMore; ++i) {
    found = ReadOnce();
  }
  log_->Publish();
  pace_.Turned(turn_records_);
  if (!found.ok()) return End(found.status());
  if (*found == Found::kEnd) return End(absl::OkStatus());
  // The watch is edge-triggered: only EAGAIN says that it will call.
  if (*found == Found::kMore) timer_.Start(absl::ZeroDuration());
}

absl::StatusOr<ChardevSource::Found> ChardevSource::ReadOnce() {
  const std::span<std::byte> room = parser_.Room();
  const ssize_t bytes = read(fd_.get(), room.data(), room.size());
  if (bytes == 0) return Found::kEnd;
  if (bytes < 0) {
    if (errno == EAGAIN) return Found::kNothing;
    if (errno == EINTR) return Found::kMore;
    return absl::InternalError(
        absl::StrCat("channel ", channel_, ": read: ", std::strerror(errno)));
  }
  parser_.Filled(static_cast<size_t>(bytes));
  for (; const std::optional<Frame> frame = parser_.Next(); ++turn_records_) {
    tally_.Take(*frame, *log_);
  }
  return Found::kMore;
}

void ChardevSource::End(absl::Status status) {
  timer_.Cancel();
  watch_.reset();
  // May destroy us.
  const OnEnd on_end = std::move(on_end_);
  on_end(std::move(status));
}

}  // namespace kchan::source
