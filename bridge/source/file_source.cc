// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/file_source.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/attached_file.h"
#include "bridge/source/past_files.h"

namespace kchan::source {
namespace {

constexpr uint64_t kTurnBytes = 1 << 20;  // before others have their turn
constexpr uint64_t kToTheEnd = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kMaxLeftFiles = 4;  // as long as they may get
constexpr absl::Duration kRotateRetry = absl::Seconds(1);
constexpr char kQueueFull[] = "queue full";
constexpr char kNotWritten[] = "file could not be written";

kchan_file_sync ToKernel(FileSync sync) {
  switch (sync) {
    case FileSync::kBytes:
      return KCHAN_SYNC_BYTES;
    case FileSync::kAlways:
      return KCHAN_SYNC_ALWAYS;
    case FileSync::kNone:
      break;
  }
  return KCHAN_SYNC_NONE;
}

class AttachedFileWriter final : public FileWriter {
 public:
  AttachedFileWriter(AttachedFile file, const std::string& channel, const FileWriting& writing)
      : file_(std::move(file)), channel_(channel), writing_(writing) {}

  uint64_t generation() const override { return file_.attach().generation; }
  int fd() const override { return file_.fd(); }

  absl::Status Hand(int fd) override {
    kchan_file_hand hand = {};
    hand.fd = fd;
    hand.role = KCHAN_FILE_OUTPUT;
    hand.sync = ToKernel(writing_.sync);
    hand.sync_bytes = writing_.sync == FileSync::kBytes ? writing_.sync_bytes : 0;
    hand.max_bytes = writing_.max_bytes;
    if (ioctl(file_.fd(), KCHAN_IOC_FILE_HAND, &hand) == 0) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, absl::StrCat("channel ", channel_, ": handing it a file"));
  }
  absl::StatusOr<kchan_file_status> Status() override {
    kchan_file_status status = {};
    if (ioctl(file_.fd(), KCHAN_IOC_FILE_STATUS, &status) == 0) return status;
    return absl::ErrnoToStatus(errno, absl::StrCat("channel ", channel_, ": status of its file"));
  }

 private:
  const AttachedFile file_;
  const std::string channel_;
  const FileWriting writing_;
};

// Of the first record in it; 0: there is none.
uint64_t FirstNumber(const FolderFile& file) {
  FrameParser parser;
  const std::span<std::byte> room = parser.Room();
  const ssize_t bytes = pread(file.fd.get(), room.data(), room.size(), 0);
  if (bytes <= 0) return 0;
  parser.Filled(static_cast<size_t>(bytes));
  const std::optional<Frame> frame = parser.Next();
  return frame ? frame->sequence : 0;
}

bool IsReadToItsEnd(const FolderFile& file, uint64_t read_bytes) {
  struct stat status = {};
  return fstat(file.fd.get(), &status) == 0 && read_bytes >= static_cast<uint64_t>(status.st_size);
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileWriter>> AttachFileWriter(const std::string& device_path,
                                                             const std::string& channel,
                                                             const FileWriting& writing) {
  auto file =
      AttachedFile::Open(device_path, {.channel = channel}, absl::StrCat("channel ", channel));
  if (!file.ok()) return file.status();
  return std::make_unique<AttachedFileWriter>(*std::move(file), channel, writing);
}

FileSource::FileSource(EventLoop& loop, std::unique_ptr<FileWriter> writer, FileFolder& folder,
                       const FileOwner& owner, const FileWriting& writing)
    : loop_(loop),
      writer_(std::move(writer)),
      writer_generation_(writer_->generation()),
      folder_(folder),
      owner_(owner),
      rotate_bytes_(writing.rotate_bytes),
      max_left_bytes_(kMaxLeftFiles * writing.max_bytes),
      rotate_at_(writing.rotate_bytes),
      tally_(0, {.cause = kQueueFull}),
      timer_(loop, [this] { Turn(); }) {}

absl::StatusOr<std::unique_ptr<RecordSource>> FileSource::Attach(EventLoop& loop,
                                                                 std::unique_ptr<FileWriter> writer,
                                                                 FileFolder& folder,
                                                                 const FileOwner& owner,
                                                                 const FileWriting& writing) {
  std::unique_ptr<FileSource> source(
      new FileSource(loop, std::move(writer), folder, owner, writing));
  if (absl::Status status = source->Begin(); !status.ok()) return status;
  return source;
}

absl::Status FileSource::Begin() {
  // In this order: the kernel may be writing to what an earlier daemon has
  // handed over. What it writes there from now on is behind `before`, and it ends
  // with the hand-over.
  const absl::StatusOr<kchan_file_status> before = writer_->Status();
  if (!before.ok()) return before.status();
  history_end_ = before->sequence;
  if (absl::Status status = TakeOver(); !status.ok()) return status;
  tally_ = FrameTally(ReadBefore(before->sequence), {.cause = kQueueFull});

  auto file = folder_.Create(owner_);
  if (!file.ok()) return OfChannel(file.status());
  current_.emplace(Open{.file = *std::move(file)});
  if (absl::Status status = writer_->Hand(current_->file.fd.get()); !status.ok()) {
    FileFolder::Remove(current_->file);
    current_.reset();
    return status;
  }
  return absl::OkStatus();
}

absl::Status FileSource::TakeOver() {
  auto left = folder_.TakeOver(owner_.channel, max_left_bytes_);
  if (!left.ok()) return OfChannel(left.status());
  for (FolderFile& file : *left) {
    if (file.epoch == owner_.epoch) {
      backlog_.push_back({.file = std::move(file)});
    } else {
      past_.push_back(std::move(file));
    }
  }
  return absl::OkStatus();
}

uint64_t FileSource::ReadBefore(uint64_t used) const {
  const uint64_t read = folder_.read_sequence(owner_.channel, owner_.epoch);
  if (read != 0) return read;
  // What was behind the first record was given out; all else is in there.
  for (const Open& left : backlog_) {
    if (const uint64_t first = FirstNumber(left.file); first != 0) {
      return std::min(first - 1, used);
    }
  }
  return used;
}

absl::Status FileSource::OfChannel(const absl::Status& status) const {
  return absl::Status(status.code(),
                      absl::StrCat("channel ", owner_.channel, ": ", status.message()));
}

FileSource::~FileSource() {
  watch_.reset();
  // The kernel lets go of a dead channel's file only; else it goes on with it.
  const absl::StatusOr<kchan_file_status> status = writer_->Status();
  const bool is_let_go = status.ok() && status->has_file == 0;
  // 0: it did not come so far as to know.
  if (tally_.sequence() != 0) {
    folder_.set_read_sequence(owner_.channel, owner_.epoch, tally_.sequence());
  }
  if (is_let_go && current_ && backlog_.empty() &&
      IsReadToItsEnd(current_->file, current_->read_bytes)) {
    FileFolder::Remove(current_->file);
  }
}

void FileSource::ReadPast(hub::Log& log) {
  PastFiles past(folder_, owner_, log);
  for (const FolderFile& file : past_) past.Read(file);
  past_.clear();
}

void FileSource::Start(hub::Log& log, OnEnd on_end) {
  log_ = &log;
  on_end_ = std::move(on_end);
  auto watch = FdWatch::Create(loop_, writer_->fd(), EPOLLIN | EPOLLPRI, [this](uint32_t events) {
    dead_ |= (events & EPOLLHUP) != 0;
    if (!timer_.armed()) timer_.Start(pace_.Delay());
  });
  if (!watch.ok()) return End(watch.status());
  watch_ = *std::move(watch);
  timer_.Start(absl::ZeroDuration());
}

void FileSource::Turn() {
  // Before the last look: no record follows then.
  const bool dead = dead_;
  turn_records_ = 0;
  const absl::StatusOr<bool> more = backlog_.empty() ? ReadCurrent() : ReadBacklog();
  log_->Publish();
  pace_.Turned(turn_records_);
  if (!more.ok()) return End(more.status());
  if (*more) return timer_.Start(absl::ZeroDuration());
  if (dead) End(absl::OkStatus());
}

absl::StatusOr<bool> FileSource::ReadBacklog() {
  Open& oldest = backlog_.front();
  const absl::StatusOr<kchan_file_status> status = writer_->Status();
  if (!status.ok()) return status.status();
  const absl::StatusOr<uint64_t> bytes = Read(oldest, kToTheEnd, status->sequence);
  if (!bytes.ok()) return bytes.status();
  if (*bytes == 0) {
    FileFolder::Remove(oldest.file);
    backlog_.pop_front();
    // Half a frame at a file's end stays half.
    parser_.Reset();
  }
  return true;
}

absl::StatusOr<bool> FileSource::ReadCurrent() {
  const absl::StatusOr<kchan_file_status> status = writer_->Status();
  if (!status.ok()) return status.status();
  Blame(*status);
  // The kernel has let go of a dead channel's file: that is all there is.
  const uint64_t end = status->has_file != 0 ? status->position : kToTheEnd;
  const absl::StatusOr<uint64_t> bytes = Read(*current_, end, status->sequence);
  if (!bytes.ok()) return bytes.status();
  const bool more = current_->read_bytes < end && *bytes != 0;
  if (!more) {
    // Everything up to here was written or lost, and what was written is read.
    tally_.Lose(status->sequence, *log_);
    if (!std::exchange(caught_up_, true)) log_->CaughtUp();
  }
  if (status->position < rotate_at_ && status->full == 0) return more;
  // Also where it is behind: the kernel does not wait for it.
  if (Rotate(*status)) return true;
  if (status->full != 0 && !more) timer_.Start(kRotateRetry);
  return more;
}

absl::StatusOr<uint64_t> FileSource::Read(Open& open, uint64_t end, uint64_t used) {
  uint64_t total = 0;
  while (total < kTurnBytes && open.read_bytes < end) {
    const std::span<std::byte> room = parser_.Room();
    const ssize_t bytes =
        pread(open.file.fd.get(), room.data(),
              static_cast<size_t>(std::min<uint64_t>(room.size(), end - open.read_bytes)),
              static_cast<off_t>(open.read_bytes));
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) {
      return absl::ErrnoToStatus(errno,
                                 absl::StrCat("channel ", owner_.channel, ": reading its file"));
    }
    if (bytes == 0) break;
    parser_.Filled(static_cast<size_t>(bytes));
    for (; const std::optional<Frame> frame = parser_.Next(); ++turn_records_) {
      // A file may hold anything: no number that the kernel has not used yet.
      if (frame->sequence <= used) tally_.Take(*frame, *log_);
    }
    open.read_bytes += static_cast<uint64_t>(bytes);
    total += static_cast<uint64_t>(bytes);
  }
  return total;
}

void FileSource::Blame(const kchan_file_status& status) {
  tally_.set_blame({.cause = status.error != 0 ? kNotWritten : kQueueFull});
}

// Where no other file can be had, this one goes on for as long again, or until it
// is full.
bool FileSource::Rotate(const kchan_file_status& status) {
  auto next = folder_.Create(owner_);
  if (!next.ok() || !writer_->Hand(next->fd.get()).ok()) {
    if (next.ok()) FileFolder::Remove(*next);
    rotate_at_ = status.position + rotate_bytes_;
    return false;
  }
  // What was written to it since then is read as backlog.
  backlog_.push_back(*std::move(current_));
  current_.emplace(Open{.file = *std::move(next)});
  rotate_at_ = rotate_bytes_;
  return true;
}

void FileSource::End(absl::Status status) {
  timer_.Cancel();
  watch_.reset();
  // May destroy us.
  const OnEnd on_end = std::move(on_end_);
  on_end(std::move(status));
}

}  // namespace kchan::source
