// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/channel_files.h"

#include <algorithm>
#include <ctime>
#include <optional>
#include <string>
#include <utility>

#include "bridge/hub/boottime.h"
#include "bridge/spool/deletion.h"
#include "bridge/spool/recovery.h"
#include "bridge/spool/schema_file.h"
#include "bridge/text/concat.h"

namespace kchan::spool {
namespace {

constexpr uint64_t kMinSegmentBytes = 64 << 10;
constexpr uint64_t kMaxSegmentBytes = 8 << 20;
constexpr uint64_t kSegmentsInBound = 32;  // so much goes at a time
constexpr uint64_t kSegmentsInAge = 16;
constexpr uint64_t kOverheadBytes = 1 << 10;  // of a frame, and of a file that begins with it
constexpr size_t kMaxFiles = 16'384;
constexpr int kNothing = 1;  // of DeleteOldest()

uint64_t ToNs(std::chrono::seconds seconds) {
  return static_cast<uint64_t>(std::chrono::nanoseconds(seconds).count());
}

}  // namespace

ChannelFiles::ChannelFiles(SpoolRoot& root, std::shared_ptr<ChannelSpool> spool,
                           std::shared_ptr<hub::Channel> channel, const SpoolLimits& limits,
                           bool is_recovered)
    : root_(root),
      spool_(std::move(spool)),
      channel_(std::move(channel)),
      files_(spool_->files()),
      limits_(limits),
      is_recovered_(is_recovered) {
  spool_->SetMaxBytes(limits.max_bytes);
}

int ChannelFiles::Append(const Piece& piece) {
  if (const int error = MakeRoom(piece.bytes); error < 0) return error;
  if (const int error = EnsureFile(piece); error < 0) return error;
  const uint64_t offset = file_->bytes();
  if (const int error =
          file_->Append(piece.first_sequence, piece.last_sequence, piece.parts, UnixNs());
      error < 0) {
    return error;
  }
  if (limits_.fsync == Fsync::kEach) {
    if (const int error = file_->Sync(); error < 0) return error;
  }
  Grown(piece.first_sequence, offset);
  return 0;
}

int ChannelFiles::Sync() { return file_ == nullptr ? 0 : file_->Sync(); }

void ChannelFiles::SetLimits(const SpoolLimits& limits) {
  limits_ = limits;
  spool_->SetMaxBytes(limits.max_bytes);
}

void ChannelFiles::Abandon() {
  (void)Close();
  has_folder_ = false;
}

void ChannelFiles::Grown(uint64_t first_sequence, uint64_t offset) {
  spool_->WithCatalog([&](Catalog& catalog) {
    catalog.UpdateNewest(file_->facts(), file_->bytes(), UnixNs(), /*is_open=*/true);
    catalog.FindIndex(file_->facts().index)->AddMark({first_sequence, offset});
  });
}

uint64_t ChannelFiles::SegmentBytes() const {
  return std::clamp(limits_.max_bytes / kSegmentsInBound, kMinSegmentBytes, kMaxSegmentBytes);
}

int ChannelFiles::EnsureFolder() {
  if (const int error = root_.Claim(); error < 0) return error;
  if (has_folder_) return 0;
  if (const int error = files_.MakeFolder(spool_->folder()); error < 0) return error;
  if (!is_recovered_) {
    int error = 0;
    RecoveredFolder found = Recover(files_, spool_->folder(), spool_->name(), error);
    if (error < 0) return error;
    spool_->WithCatalog([&](Catalog& catalog) { catalog.Adopt(found.catalog); });
    while (spool_->TakeIndex() + 1 < found.next_index) {
    }
    is_recovered_ = true;
  }
  has_folder_ = true;
  return 0;
}

int ChannelFiles::EnsureFile(const Piece& piece) {
  if (const int error = EnsureFolder(); error < 0) return error;
  if (file_ != nullptr) {
    const SegmentFacts& facts = file_->facts();
    const bool is_old = limits_.max_age.count() != 0 &&
                        UnixNs() > file_->first_unix_ns() + ToNs(limits_.max_age) / kSegmentsInAge;
    const bool is_full = !file_->is_empty() && file_->bytes() + piece.bytes > SegmentBytes();
    const bool continues = facts.epoch == piece.epoch && facts.schema_id == piece.schema_id &&
                           facts.last_sequence + 1 == piece.first_sequence;
    if (continues && !is_full && !is_old) return 0;
    if (const int error = Close(); error < 0) return error;
  }
  return NewFile(piece);
}

int ChannelFiles::NewFile(const Piece& piece) {
  if (const auto schema = channel_->FindSchema(piece.schema_id)) {
    const bool sync = limits_.fsync != Fsync::kNever;
    if (const int error = StoreSchema(files_, spool_->folder(), *schema, sync); error < 0) {
      return error;
    }
    spool_->AddSchema(schema);
  }
  while (spool_->WithCatalog([](Catalog& c) { return c.files().size() >= kMaxFiles; })) {
    if (const int error = DeleteOldest(*spool_); error < 0) return error;
  }
  SegmentHeader header{.epoch = piece.epoch,
                       .schema_id = piece.schema_id,
                       .first_sequence = piece.first_sequence,
                       .unix_ns = UnixNs(),
                       .clock_offset_ns = hub::ClockOffsetNs(),
                       .salt = 0,
                       .after_unseen = after_unseen_,
                       .boot_id = root_.options().boot_id,
                       .node = root_.options().node,
                       .channel = spool_->name()};
  int error = 0;
  file_ = SegmentWriter::Create(files_, spool_->folder(), spool_->TakeIndex(), std::move(header),
                                error);
  if (file_ == nullptr) return error;
  after_unseen_ = false;
  spool_->WithCatalog([&](Catalog& catalog) {
    catalog.Add(
        {.facts = file_->facts(), .bytes = file_->bytes(), .newest_ns = UnixNs(), .is_open = true});
  });
  return 0;
}

// Whatever becomes of it, it is not written to any more.
int ChannelFiles::Close() {
  if (file_ == nullptr) return 0;
  int error = file_->Close(limits_.fsync != Fsync::kNever);
  if (error < 0 && !file_->is_closed()) (void)file_->Close(/*sync=*/false);
  spool_->WithCatalog([&](Catalog& catalog) {
    if (file_->is_closed() && file_->is_empty()) {
      catalog.Remove(file_->facts().index);
    } else {
      const uint64_t newest_ns = catalog.files().back().newest_ns;
      catalog.UpdateNewest(file_->facts(), file_->bytes(), newest_ns, !file_->is_closed());
    }
  });
  file_.reset();
  return error;
}

int ChannelFiles::Probe() {
  if (const int error = EnsureFolder(); error < 0) return error;
  if (const int error = DeleteOld(); error < 0) return error;
  const std::string path = text::Concat(spool_->folder(), "/probe");
  const OpenFile file(files_, files_.Create(path));
  return file ? files_.Remove(path) : file.fd();
}

// The oldest file, or what is written now where nothing else could go: that ends
// first. kNothing: there is nothing that can.
int ChannelFiles::DeleteOne() {
  const int error = DeleteOldest(*spool_);
  if (error <= 0) return error;
  if (file_ == nullptr || file_->is_empty()) return kNothing;
  return Close();
}

int ChannelFiles::MakeRoom(uint64_t bytes) {
  const uint64_t wanted = bytes + kOverheadBytes;
  while (spool_->WithCatalog([](Catalog& c) { return c.bytes(); }) + wanted > limits_.max_bytes) {
    const int error = DeleteOne();
    if (error < 0) return error;
    if (error == kNothing) break;
  }
  return root_.MakeRoom(wanted);
}

int ChannelFiles::DeleteOld() {
  while (NsUntilOld() == 0) {
    const int error = DeleteOne();
    if (error < 0) return error;
    if (error == kNothing) break;
  }
  return 0;
}

std::optional<uint64_t> ChannelFiles::NsUntilOld() const {
  const uint64_t age = ToNs(limits_.max_age);
  if (age == 0) return std::nullopt;
  const auto newest_ns = spool_->WithCatalog([](Catalog& catalog) -> std::optional<uint64_t> {
    if (catalog.empty()) return std::nullopt;
    return catalog.files().front().newest_ns;
  });
  if (!newest_ns) return std::nullopt;
  const uint64_t now = UnixNs();
  return *newest_ns + age > now ? *newest_ns + age - now : 0;
}

}  // namespace kchan::spool
