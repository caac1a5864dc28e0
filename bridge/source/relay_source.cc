// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/relay_source.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kchan::source {
namespace {

constexpr int kReadsPerTurn = 4;  // of each buffer, before others have their turn
constexpr absl::Duration kOpenAgain = absl::Milliseconds(10);

}  // namespace

RelaySource::RelaySource(EventLoop& loop, std::unique_ptr<RelayFiles> files,
                         const std::string& channel, bool overwrite)
    : loop_(loop),
      files_(std::move(files)),
      channel_(channel),
      loss_cause_(overwrite ? "overwritten, or too long" : "buffer full, or too long"),
      timer_(loop, [this] { Turn(); }),
      open_again_(loop, [this] { RingsAppeared(); }) {}

absl::StatusOr<std::unique_ptr<RecordSource>> RelaySource::Attach(EventLoop& loop,
                                                                  std::unique_ptr<RelayFiles> files,
                                                                  const std::string& channel,
                                                                  bool overwrite) {
  std::unique_ptr<RelaySource> source(new RelaySource(loop, std::move(files), channel, overwrite));
  if (absl::Status status = source->OpenNew(); !status.ok()) return status;
  if (source->buffers_.empty()) {
    return absl::UnavailableError(absl::StrCat("channel ", channel, ": no CPU has a buffer"));
  }
  return source;
}

uint64_t RelaySource::next_sequence() const {
  uint64_t used = 0;
  for (const auto& buffer : buffers_) used += buffer->tally.sequence();
  return used + 1;
}

absl::Status RelaySource::OpenNew() {
  const auto cpus = files_->Cpus();
  if (!cpus.ok()) return cpus.status();
  std::vector<std::pair<uint32_t, UniqueFd>> opened;
  for (const uint32_t cpu : *cpus) {
    if (Has(cpu)) continue;
    auto fd = files_->Open(cpu);
    if (absl::IsUnavailable(fd.status())) {
      open_again_.Start(kOpenAgain);
      continue;
    }
    if (!fd.ok()) return fd.status();
    opened.emplace_back(cpu, *std::move(fd));
  }
  if (opened.empty()) return absl::OkStatus();
  // Behind the opening: from now on nobody else moves them.
  const auto sequences = files_->ReadSequences();
  if (!sequences.ok()) return sequences.status();
  for (auto& [cpu, fd] : opened) {
    const auto read = sequences->find(cpu);
    const FrameTally tally(read == sequences->end() ? 0 : read->second,
                           {.cpu = cpu, .cause = loss_cause_});
    buffers_.push_back(std::make_unique<Buffer>(cpu, std::move(fd), tally));
  }
  return absl::OkStatus();
}

bool RelaySource::Has(uint32_t cpu) const {
  return std::any_of(buffers_.begin(), buffers_.end(),
                     [cpu](const auto& buffer) { return buffer->cpu == cpu; });
}

absl::Status RelaySource::Watch(Buffer& buffer) {
  auto watch = FdWatch::Create(loop_, buffer.fd.get(), EPOLLIN, [this, &buffer](uint32_t events) {
    buffer.ready = true;
    buffer.closed |= (events & (EPOLLHUP | EPOLLERR)) != 0;
    if (!timer_.armed()) timer_.Start(pace_.Delay());
  });
  if (!watch.ok()) return watch.status();
  buffer.watch = *std::move(watch);
  return absl::OkStatus();
}

absl::Status RelaySource::WatchFolder() {
  if (files_->folder_fd() < 0) return absl::OkStatus();
  auto watch = FdWatch::Create(loop_, files_->folder_fd(), EPOLLIN, [this](uint32_t) {
    files_->ClearFolderEvents();
    RingsAppeared();
  });
  if (!watch.ok()) return watch.status();
  folder_watch_ = *std::move(watch);
  return absl::OkStatus();
}

void RelaySource::Start(hub::Log& log, OnEnd on_end) {
  log_ = &log;
  on_end_ = std::move(on_end);
  absl::Status status = WatchFolder();
  for (const auto& buffer : buffers_) {
    if (status.ok()) status = Watch(*buffer);
  }
  if (!status.ok()) return End(std::move(status));
  timer_.Start(absl::ZeroDuration());
}

void RelaySource::RingsAppeared() {
  const size_t had = buffers_.size();
  absl::Status status = OpenNew();
  // The folder goes before the files are read to their end.
  if (absl::IsNotFound(status)) return;
  for (size_t i = had; i < buffers_.size() && status.ok(); ++i) {
    Buffer& buffer = *buffers_[i];
    // Numbers that a reader before us has used, and we could not count.
    if (const uint64_t used = buffer.tally.sequence(); used != 0) {
      log_->AppendLoss({.first_sequence = 0,
                        .count = used,
                        .stage = hub::LossStage::kSource,
                        .cpu = buffer.cpu,
                        .cause = "buffer opened late"});
    }
    status = Watch(buffer);
  }
  if (!status.ok()) return End(std::move(status));
  timer_.Start(absl::ZeroDuration());
}

void RelaySource::Turn() {
  absl::Status status;
  uint64_t records = 0;
  for (const auto& buffer : buffers_) {
    if (!status.ok() || !buffer->ready) continue;
    const absl::StatusOr<uint64_t> read = Read(*buffer);
    status = read.status();
    if (read.ok()) records += *read;
  }
  log_->Publish();
  pace_.Turned(records);
  const bool all_finished = std::all_of(buffers_.begin(), buffers_.end(),
                                        [](const auto& buffer) { return buffer->finished; });
  if (!status.ok() || all_finished) return End(std::move(status));
  const bool any_ready = std::any_of(buffers_.begin(), buffers_.end(),
                                     [](const auto& buffer) { return buffer->ready; });
  if (any_ready) timer_.Start(absl::ZeroDuration());
}

absl::StatusOr<uint64_t> RelaySource::Read(Buffer& buffer) {
  // Before the last look: no record follows then.
  const bool closed = buffer.closed;
  uint64_t records = 0;
  for (int i = 0; i < kReadsPerTurn; ++i) {
    parser_.Reset();
    const std::span<std::byte> room = parser_.Room();
    const ssize_t bytes = read(buffer.fd.get(), room.data(), room.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0 && errno != EAGAIN) {
      return absl::ErrnoToStatus(
          errno, absl::StrCat("channel ", channel_, ": reading the buffer of CPU ", buffer.cpu));
    }
    if (bytes <= 0) {
      buffer.ready = false;
      buffer.finished = closed;
      break;
    }
    parser_.Filled(static_cast<size_t>(bytes));
    for (; const std::optional<Frame> frame = parser_.Next(); ++records) {
      buffer.tally.Take(*frame, *log_);
    }
  }
  return records;
}

void RelaySource::End(absl::Status status) {
  timer_.Cancel();
  open_again_.Cancel();
  folder_watch_.reset();
  for (const auto& buffer : buffers_) buffer->watch.reset();
  // May destroy us.
  const OnEnd on_end = std::move(on_end_);
  on_end(std::move(status));
}

}  // namespace kchan::source
