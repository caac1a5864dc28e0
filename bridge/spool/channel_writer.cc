// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/channel_writer.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "bridge/hub/concat.h"
#include "bridge/hub/element.h"
#include "bridge/spool/deletion.h"
#include "bridge/spool/schema_file.h"
#include "bridge/spool/write_error.h"

namespace kchan::spool {
namespace {

using Clock = ChannelWriter::Clock;

constexpr size_t kFrameBytes = 256 << 10;
constexpr int kFramesPerTurn = 16;  // before others have their turn
constexpr uint64_t kMinSegmentBytes = 64 << 10;
constexpr uint64_t kMaxSegmentBytes = 8 << 20;
constexpr uint64_t kSegmentsInBound = 32;  // so much goes at a time
constexpr uint64_t kSegmentsInAge = 16;
constexpr uint64_t kOverheadBytes = 1 << 10;  // of a frame, and of a file that begins with it
constexpr size_t kMaxFiles = 16'384;
constexpr char kTooSlow[] = "dropped before it was on disk";

int64_t ClockOffsetNs() {
  timespec boottime = {};
  clock_gettime(CLOCK_BOOTTIME, &boottime);
  return static_cast<int64_t>(UnixNs()) - (boottime.tv_sec * 1'000'000'000 + boottime.tv_nsec);
}

uint64_t ToNs(std::chrono::seconds seconds) {
  return static_cast<uint64_t>(std::chrono::nanoseconds(seconds).count());
}

}  // namespace

ChannelWriter::ChannelWriter(SpoolRoot& root, std::shared_ptr<ChannelSpool> spool,
                             std::shared_ptr<hub::Channel> channel, const SpoolLimits& limits,
                             bool is_recovered, std::function<void(ChannelWriter*)> on_ready)
    : root_(root),
      spool_(std::move(spool)),
      channel_(std::move(channel)),
      on_ready_(std::move(on_ready)),
      files_(spool_->files()),
      limits_(limits),
      is_recovered_(is_recovered),
      loss_cause_(kTooSlow),
      retry_delay_(root.options().pace.first_retry) {
  // Behind what is there already; or, by default, in front of everything.
  if (const auto epochs = spool_->epochs(); !epochs.empty()) {
    const hub::HistoryEpoch& last = epochs.back();
    position_ = channel_->log()
                    .Seek(hub::StartAt{{last.epoch, last.last_sequence}})
                    .value_or(hub::LogPosition{});
  }
  position_.log_only = true;
  spool_->Reached(position_.run, position_.cursor);
  SetLimits(limits);
}

ChannelWriter::~ChannelWriter() { channel_->log().Disarm(this); }

void ChannelWriter::Ready(Clock::time_point now) {
  if (read_due_ || error_ != 0) return;
  read_due_ = limits_.fsync == Fsync::kEach ? now : now + root_.options().pace.gather;
}

std::optional<Clock::time_point> ChannelWriter::due() const {
  std::optional<Clock::time_point> first;
  for (const auto& each : {read_due_, retry_due_, sync_due_, age_due_}) {
    if (each && (!first || *each < *first)) first = each;
  }
  return first;
}

void ChannelWriter::Run(Clock::time_point now) {
  const auto is_due = [now](std::optional<Clock::time_point>& due) {
    if (!due || *due > now) return false;
    due.reset();
    return true;
  };
  if (is_due(sync_due_) && file_ != nullptr) {
    if (const int error = file_->Sync(); error < 0) return Degrade(error);
  }
  if (is_due(age_due_)) {
    if (const int error = DeleteOld(); error < 0) return Degrade(error);
  }
  const bool is_retry = is_due(retry_due_);
  if (is_due(read_due_) || is_retry) {
    if (WriteSome()) read_due_ = now;
  }
}

// Whether there is more.
bool ChannelWriter::WriteSome() {
  hub::Log& log = channel_->log();
  for (int i = 0; i < kFramesPerTurn; ++i) {
    hub::LogPosition next = position_;
    const hub::LogBatch batch = log.Read(next, kFrameBytes);
    if (!batch.empty()) {
      if (const int error = Write(batch, next.cursor.sequence); error < 0) {
        Degrade(error);
        return false;
      }
    }
    position_ = next;
    spool_->Reached(position_.run, position_.cursor);
    if (error_ != 0) Recover();
    if (batch.empty() && log.Wait(position_, this)) return false;
  }
  return true;
}

int ChannelWriter::Write(const hub::LogBatch& batch, uint64_t last_sequence) {
  const std::vector<std::byte> loss = LossOf(batch);
  if (loss.empty() && batch.slices.empty()) return 0;
  const uint64_t bytes = loss.size() + batch.body_bytes;
  const uint64_t first_sequence =
      batch.first_sequence != 0 ? batch.first_sequence : last_sequence + 1;
  if (const int error = MakeRoom(bytes); error < 0) return error;
  if (const int error = EnsureFile(batch, first_sequence, bytes); error < 0) return error;

  std::vector<std::span<const std::byte>> parts;
  if (!loss.empty()) parts.emplace_back(loss);
  for (const hub::SegmentSlice& slice : batch.slices) parts.push_back(slice.bytes);
  const uint64_t offset = file_->bytes();
  if (const int error = file_->Append(first_sequence, last_sequence, parts, UnixNs()); error < 0) {
    return error;
  }
  if (limits_.fsync == Fsync::kEach) {
    if (const int error = file_->Sync(); error < 0) return error;
  } else if (limits_.fsync == Fsync::kInterval && !sync_due_) {
    sync_due_ = Clock::now() + root_.options().pace.sync;
  }
  Grown(first_sequence, offset);
  return 0;
}

// What this reader of the log has lost, as an element; empty if nothing.
std::vector<std::byte> ChannelWriter::LossOf(const hub::LogBatch& batch) {
  if (!batch.loss) return {};
  if (batch.loss->count == 0) {
    after_unseen_ = true;
    return {};
  }
  hub::Loss loss = *batch.loss;
  if (loss.stage == hub::LossStage::kLogEviction) {
    loss.stage = hub::LossStage::kSpool;
    loss.cause = loss_cause_;
  }
  std::vector<std::byte> bytes(hub::SizeOfLoss(loss));
  hub::PutLoss(bytes.data(), loss);
  return bytes;
}

void ChannelWriter::Grown(uint64_t first_sequence, uint64_t offset) {
  spool_->WithCatalog([&](Catalog& catalog) {
    catalog.UpdateNewest(file_->facts(), file_->bytes(), UnixNs(), /*is_open=*/true);
    catalog.FindIndex(file_->facts().index)->AddMark({first_sequence, offset});
  });
  if (limits_.max_age.count() != 0 && !age_due_) age_due_ = Clock::now() + limits_.max_age;
}

uint64_t ChannelWriter::SegmentBytes() const {
  return std::clamp(limits_.max_bytes / kSegmentsInBound, kMinSegmentBytes, kMaxSegmentBytes);
}

int ChannelWriter::EnsureFolder() {
  if (const int error = root_.Claim(); error < 0) return error;
  if (has_folder_) return 0;
  if (const int error = files_.MakeFolder(spool_->folder()); error < 0) return error;
  if (!is_recovered_) {
    int error = 0;
    RecoveredFolder found = kchan::spool::Recover(files_, spool_->folder(), spool_->name(), error);
    if (error < 0) return error;
    spool_->WithCatalog([&](Catalog& catalog) { catalog.Adopt(found.catalog); });
    while (spool_->TakeIndex() + 1 < found.next_index) {
    }
    is_recovered_ = true;
  }
  has_folder_ = true;
  return 0;
}

int ChannelWriter::EnsureFile(const hub::LogBatch& batch, uint64_t first_sequence, uint64_t bytes) {
  if (const int error = EnsureFolder(); error < 0) return error;
  if (file_ != nullptr) {
    const SegmentFacts& facts = file_->facts();
    const bool is_old = limits_.max_age.count() != 0 &&
                        UnixNs() > file_->first_unix_ns() + ToNs(limits_.max_age) / kSegmentsInAge;
    const bool is_full = !file_->is_empty() && file_->bytes() + bytes > SegmentBytes();
    const bool continues = facts.epoch == batch.epoch && facts.schema_id == batch.schema_id &&
                           facts.last_sequence + 1 == first_sequence;
    if (continues && !is_full && !is_old) return 0;
    if (const int error = CloseFile(); error < 0) return error;
  }
  return NewFile(batch, first_sequence);
}

int ChannelWriter::NewFile(const hub::LogBatch& batch, uint64_t first_sequence) {
  if (const auto schema = channel_->FindSchema(batch.schema_id)) {
    const bool sync = limits_.fsync != Fsync::kNever;
    if (const int error = StoreSchema(files_, spool_->folder(), *schema, sync); error < 0) {
      return error;
    }
    spool_->AddSchema(schema);
  }
  while (spool_->WithCatalog([](Catalog& c) { return c.files().size() >= kMaxFiles; })) {
    if (const int error = DeleteOldest(*spool_); error < 0) return error;
  }
  SegmentHeader header{.epoch = batch.epoch,
                       .schema_id = batch.schema_id,
                       .first_sequence = first_sequence,
                       .unix_ns = UnixNs(),
                       .clock_offset_ns = ClockOffsetNs(),
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
int ChannelWriter::CloseFile() {
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
  sync_due_.reset();
  return error;
}

int ChannelWriter::MakeRoom(uint64_t bytes) {
  const uint64_t wanted = bytes + kOverheadBytes;
  while (spool_->WithCatalog([](Catalog& c) { return c.bytes(); }) + wanted > limits_.max_bytes) {
    const int error = DeleteOldest(*spool_);
    if (error < 0) return error;
    if (error == 0) continue;
    if (file_ == nullptr || file_->is_empty()) break;
    if (const int closed = CloseFile(); closed < 0) return closed;
  }
  return root_.MakeRoom(wanted);
}

int ChannelWriter::DeleteOld() {
  const uint64_t age = ToNs(limits_.max_age);
  if (age == 0) return 0;
  const auto oldest_ns = [this]() -> std::optional<uint64_t> {
    return spool_->WithCatalog([](Catalog& catalog) -> std::optional<uint64_t> {
      if (catalog.empty()) return std::nullopt;
      return catalog.files().front().newest_ns;
    });
  };
  std::optional<uint64_t> oldest = oldest_ns();
  for (; oldest && *oldest + age <= UnixNs(); oldest = oldest_ns()) {
    const int error = DeleteOldest(*spool_);
    if (error < 0) return error;
    if (error == 0) continue;
    if (file_ == nullptr) break;
    if (const int closed = CloseFile(); closed < 0) return closed;
  }
  if (!oldest) return 0;
  const uint64_t now = UnixNs();
  const uint64_t left = *oldest + age > now ? *oldest + age - now : 0;
  age_due_ = Clock::now() + std::chrono::nanoseconds(left) + std::chrono::milliseconds(1);
  return 0;
}

void ChannelWriter::SetLimits(const SpoolLimits& limits) {
  limits_ = limits;
  spool_->SetMaxBytes(limits.max_bytes);
  age_due_.reset();
  if (limits.max_age.count() != 0) age_due_ = Clock::now();
  if (error_ == 0) (void)MakeRoom(0);
}

void ChannelWriter::Degrade(int error) {
  const bool is_new = error_ == 0;
  error_ = error;
  loss_cause_ = CauseOf(error);
  (void)CloseFile();
  has_folder_ = false;
  read_due_.reset();
  retry_due_ = Clock::now() + retry_delay_;
  retry_delay_ = std::min<Clock::duration>(2 * retry_delay_, root_.options().pace.last_retry);
  const std::string reason = ReasonOf(error, spool_->folder());
  const std::string remedy = RemedyFor(error, root_.options().directory);
  spool_->SetDegraded(reason, loss_cause_, remedy);
  if (is_new && root_.options().on_note) {
    root_.options().on_note(
        hub::Concat({"spool of channel ", spool_->name(), ": ", reason, "; ", remedy}));
  }
}

void ChannelWriter::Recover() {
  error_ = 0;
  loss_cause_ = kTooSlow;
  retry_delay_ = root_.options().pace.first_retry;
  retry_due_.reset();
  spool_->SetDegraded("", "", "");
  if (root_.options().on_note) {
    root_.options().on_note(
        hub::Concat({"spool of channel ", spool_->name(), ": can be written again"}));
  }
}

void ChannelWriter::Stop() {
  channel_->log().Disarm(this);
  while (error_ == 0 && WriteSome()) {
  }
  channel_->log().Disarm(this);
  (void)CloseFile();
}

}  // namespace kchan::spool
