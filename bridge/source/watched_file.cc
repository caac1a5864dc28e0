// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/watched_file.h"

#include <sys/epoll.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace kchan::source {

WatchedFile::WatchedFile(EventLoop& loop, BlockingCalls& calls, std::string path,
                         std::shared_ptr<Reading> reading, absl::Duration sample_interval,
                         const WatchedFileEnds& ends)
    : calls_(calls),
      path_(std::move(path)),
      reading_(std::move(reading)),
      sample_interval_(sample_interval),
      ends_(ends),
      timer_(loop, [this] { Look(); }) {
  ends_.self = this;
}

WatchedFile::~WatchedFile() {
  reading_->is_abandoned = true;
  ends_.self = nullptr;
  ends_.feed.Clear();
}

absl::StatusOr<std::unique_ptr<WatchedFile>> WatchedFile::Create(
    EventLoop& loop, BlockingCalls& calls, std::string path, UniqueFd file, ReadWords read,
    absl::Duration sample_interval, const WatchedFileEnds& ends) {
  auto reading =
      std::make_shared<Reading>(Reading{.file = std::move(file), .read = std::move(read)});
  auto watched = std::unique_ptr<WatchedFile>(
      new WatchedFile(loop, calls, std::move(path), std::move(reading), sample_interval, ends));
  if (absl::Status status = watched->Watch(loop); !status.ok()) return status;
  return watched;
}

absl::Status WatchedFile::Watch(EventLoop& loop) {
  auto watch = FdWatch::Create(loop, reading_->file.get(), EPOLLPRI, [this](uint32_t events) {
    if ((events & EPOLLPRI) != 0) LookSoon();
  });
  if (watch.ok()) {
    watch_ = *std::move(watch);
    return absl::OkStatus();
  }
  // EPERM, epoll's word for a file that is never announced: it is sampled.
  if (!absl::IsPermissionDenied(watch.status())) return watch.status();
  if (sample_interval_ > absl::ZeroDuration()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the kernel does not announce changes of this file: give it a sample_interval_ms");
}

void WatchedFile::Start(hub::Log& /*log*/, OnEnd on_end) {
  on_end_ = std::move(on_end);
  LookSoon();
}

void WatchedFile::LookSoon() {
  if (on_end_) timer_.Start(absl::ZeroDuration());
}

void WatchedFile::Look() {
  look_again_ = is_reading_;
  if (is_reading_) return;
  is_reading_ = true;
  calls_.Run(
      absl::StrCat("reading ", path_),
      [reading = reading_] { reading->words = reading->read(reading->file.get()); },
      [this, reading = reading_] {
        if (!reading->is_abandoned) Looked();
      });
}

void WatchedFile::Looked() {
  is_reading_ = false;
  absl::StatusOr<std::vector<hub::Word>>& words = reading_->words;
  if (!words.ok()) {
    const OnEnd on_end = std::exchange(on_end_, nullptr);
    return on_end(words.status());
  }
  auto snapshot = ends_.observed.Observe(*std::move(words));
  if (snapshot != fed_) {
    fed_ = snapshot;
    ends_.feed.Set(std::move(snapshot));
  }
  if (look_again_) {
    timer_.Start(absl::ZeroDuration());
  } else if (sample_interval_ > absl::ZeroDuration()) {
    timer_.Start(sample_interval_);
  }
}

}  // namespace kchan::source
