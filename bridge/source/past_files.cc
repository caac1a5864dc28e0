// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/past_files.h"

#include <unistd.h>

#include <cerrno>

namespace kchan::source {
namespace {

constexpr FrameTally::Blame kQueueFull = {.cause = "queue full"};
constexpr FrameTally::Blame kOtherSchema = {.stage = hub::LossStage::kSource,
                                            .cause = "file of another schema"};
// What a power cut leaves of a file may be anything: no channel loses so many
// records between two that it writes, nor lives to see such a number.
constexpr uint64_t kMaxGap = uint64_t{1} << 40;
constexpr uint64_t kMaxSequence = uint64_t{1} << 60;

}  // namespace

void PastFiles::Read(const FolderFile& file) {
  if (file.epoch != epoch_) {
    epoch_ = file.epoch;
    tally_.reset();
  }
  ReadFrames(file);
  if (tally_) log_.Publish();
}

void PastFiles::ReadFrames(const FolderFile& file) {
  FrameParser parser;
  for (off_t position = 0;;) {
    const std::span<std::byte> room = parser.Room();
    const ssize_t bytes = pread(file.fd.get(), room.data(), room.size(), position);
    if (bytes < 0 && errno == EINTR) continue;
    // A disk that cannot be read now: the file stays for another time.
    if (bytes < 0) return;
    if (bytes == 0) break;
    position += bytes;
    parser.Filled(static_cast<size_t>(bytes));
    while (const std::optional<Frame> frame = parser.Next()) Take(file, *frame);
  }
  FileFolder::Remove(file);
}

void PastFiles::Take(const FolderFile& file, const Frame& frame) {
  const bool is_ours = file.schema_id == now_.schema_id;
  if (frame.sequence == 0 || frame.sequence > kMaxSequence) return;
  if (!tally_) {
    uint64_t before = folder_.read_sequence(now_.channel, file.epoch);
    if (before == 0) before = frame.sequence - 1;
    if (frame.sequence <= before) return;
    log_.StartEpoch(file.epoch, now_.schema_id, before + 1, /*has_history=*/true);
    tally_.emplace(before, kQueueFull);
  }
  if (frame.sequence > tally_->sequence() + kMaxGap) return;
  tally_->set_blame(is_ours ? kQueueFull : kOtherSchema);
  if (is_ours) return tally_->Take(frame, log_);
  tally_->Lose(frame.sequence, log_);
}

}  // namespace kchan::source
