// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/channel_spool.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "bridge/text/concat.h"

namespace kchan::spool {
namespace {

using hub::HistoryAnswer;
using hub::LossStage;
using Kind = HistoryAnswer::Kind;

constexpr size_t kMaxDamages = 8;  // that are told one by one
constexpr uint64_t kEverything = std::numeric_limits<uint64_t>::max();

// A shortage that passes.
bool IsShortage(int error) { return error == -EMFILE || error == -ENFILE || error == -ENOMEM; }

HistoryAnswer GapUpTo(uint64_t last_sequence, LossStage stage, const char* cause) {
  return {.kind = Kind::kGap,
          .last_sequence = last_sequence,
          .blame = {.stage = stage, .cause = cause}};
}

}  // namespace

ChannelSpool::ChannelSpool(std::string name, std::string folder, std::shared_ptr<Files> files,
                           std::string boot_id, ChunkLoader& loader,
                           std::shared_ptr<hub::MemoryUse> use, std::function<void()> on_problem)
    : name_(std::move(name)),
      folder_(std::move(folder)),
      files_(std::move(files)),
      boot_id_(std::move(boot_id)),
      loader_(loader),
      use_(std::move(use)),
      on_problem_(std::move(on_problem)) {}

void ChannelSpool::Recovered(RecoveredFolder folder) {
  const std::lock_guard lock(mutex_);
  catalog_ = std::move(folder.catalog);
  schemas_ = std::move(folder.schemas);
  next_index_ = folder.next_index;
  first_epochs_ = catalog_.Epochs();
  for (std::string& damage : folder.damages) {
    if (damages_.size() == kMaxDamages) {
      ++more_damages_;
    } else {
      damages_.push_back(std::move(damage));
    }
  }
}

std::vector<hub::Problem> ChannelSpool::problems() const {
  const std::lock_guard lock(mutex_);
  std::vector<hub::Problem> problems;
  const std::string subject = text::Concat("spool of channel ", name_);
  if (!reason_.empty()) {
    problems.push_back({.subject = subject,
                        .description = text::Concat(reason_, "; its history is what is in memory"),
                        .remedy = remedy_});
  }
  for (const std::string& damage : damages_) {
    problems.push_back({.subject = subject,
                        .description = damage,
                        .remedy = "look after the disk; the rest is served, so nothing else is "
                                  "needed, and this goes when kchand starts again and finds "
                                  "nothing new"});
  }
  if (more_damages_ != 0) {
    problems.back().description += text::Concat(" (and ", more_damages_, " more of this kind)");
  }
  return problems;
}

std::vector<hub::HistoryEpoch> ChannelSpool::epochs() const {
  const std::lock_guard lock(mutex_);
  return first_epochs_;
}

std::optional<hub::Cursor> ChannelSpool::oldest() const {
  const std::lock_guard lock(mutex_);
  return catalog_.Oldest();
}

std::optional<hub::Cursor> ChannelSpool::Since(int64_t utc_ns) const {
  const std::lock_guard lock(mutex_);
  return catalog_.Since(static_cast<uint64_t>(std::max<int64_t>(utc_ns, 0)));
}

hub::HistoryExtent ChannelSpool::extent() const {
  const std::lock_guard lock(mutex_);
  return {.state = reason_.empty() ? hub::HistoryState::kFollowing : hub::HistoryState::kDegraded,
          .reason = reason_,
          .bytes = catalog_.bytes(),
          .max_bytes = max_bytes_,
          .records = catalog_.records(),
          .oldest = catalog_.Oldest()};
}

std::shared_ptr<const hub::Schema> ChannelSpool::FindSchema(uint64_t schema_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = schemas_.find(schema_id);
  return found == schemas_.end() ? nullptr : found->second;
}

HistoryAnswer ChannelSpool::Ask(const hub::HistoryQuery& query) {
  const std::lock_guard lock(mutex_);
  HistoryAnswer answer = AskLocked(query);
  if (answer.kind != Kind::kPending) return answer;
  if (auto loaded = loader_.Take(*this, query)) return *std::move(loaded);
  return answer;
}

bool ChannelSpool::Wait(const hub::HistoryQuery& query, hub::Waiter* waiter) {
  const std::lock_guard lock(mutex_);
  if (AskLocked(query).kind != Kind::kPending) return false;
  if (query.last_records == 0 &&
      catalog_.Find(query.after.epoch, query.after.sequence + 1) == nullptr) {
    progress_waiters_.Arm(waiter);
    return true;
  }
  return loader_.Request(shared_from_this(), query, waiter);
}

void ChannelSpool::Disarm(hub::Waiter* waiter) {
  const std::lock_guard lock(mutex_);
  progress_waiters_.Disarm(waiter);
  loader_.Disarm(waiter);
}

// What can be said without the disk: a gap, or that it has to be asked.
HistoryAnswer ChannelSpool::AskLocked(const hub::HistoryQuery& query) {
  if (query.last_records != 0) return {};
  const uint64_t sequence = query.after.sequence + 1;
  const SegmentFile* file = catalog_.Find(query.after.epoch, sequence);
  if (file == nullptr) {
    if (!reason_.empty()) return GapUpTo(kEverything, LossStage::kSpool, cause_);
    if (IsToCome(query)) return {};
    return GapUpTo(kEverything, LossStage::kLogEviction, "");
  }
  if (sequence < file->facts.first_sequence) {
    const uint64_t last = file->facts.first_sequence - 1;
    return catalog_.HasEarlier(*file) ? GapUpTo(last, LossStage::kSpool, "missing on disk")
                                      : GapUpTo(last, LossStage::kLogEviction, "");
  }
  if (const Gap* gap = file->FindGap(sequence)) {
    return GapUpTo(gap->last, LossStage::kSpool, "damaged on disk");
  }
  return {};
}

// Whether the writer has it in hand.
bool ChannelSpool::IsToCome(const hub::HistoryQuery& query) const {
  if (query.run != reached_run_) return query.run > reached_run_;
  return query.after.sequence + 1 > reached_.sequence;
}

ChunkSource::Loaded ChannelSpool::Load(const hub::HistoryQuery& query) {
  return query.last_records == 0 ? LoadPiece(query) : LoadPlace(query);
}

ChunkSource::Loaded ChannelSpool::LoadPiece(const hub::HistoryQuery& query) {
  const uint64_t sequence = query.after.sequence + 1;
  SegmentView view;
  {
    const std::lock_guard lock(mutex_);
    if (AskLocked(query).kind != Kind::kPending) return {};
    const SegmentFile* file = catalog_.Find(query.after.epoch, sequence);
    if (file == nullptr) return {};
    view = ViewOf(*file);
    if (const Mark* mark = file->FindMark(sequence)) view.mark = *mark;
  }
  LoadedChunk loaded = LoadChunk(*files_, view, sequence, ChunkLoader::kChunkBytes, use_);
  if (IsShortage(loaded.error)) return {.answer = {}, .retry_later = true};
  Learn(view, loaded, sequence);
  if (loaded.chunk == nullptr) return {};
  HistoryAnswer answer{.kind = Kind::kChunk,
                       .chunk = loaded.chunk,
                       .chunk_bytes = loaded.bytes,
                       .last_sequence = loaded.last_sequence};
  if (loaded.boot_id != boot_id_) answer.clock_offset_ns = loaded.clock_offset_ns;
  return {.answer = std::move(answer), .chunk = loaded.chunk};
}

void ChannelSpool::Learn(const SegmentView& view, const LoadedChunk& loaded, uint64_t sequence) {
  if (loaded.error == -ENOENT && HasChanged(view)) return;  // to be asked again
  std::vector<Gap> gaps = loaded.gaps;
  {
    const std::lock_guard lock(mutex_);
    SegmentFile* file = catalog_.FindIndex(view.facts.index);
    if (file == nullptr || file->is_hidden) return;
    if (loaded.error != 0 && loaded.chunk == nullptr) {
      gaps.push_back({sequence, file->facts.last_sequence});
    }
    for (const Gap& gap : gaps) file->AddGap(gap);
    for (const Mark& mark : loaded.marks) file->AddMark(mark);
  }
  for (const Gap& gap : gaps) {
    const std::string why =
        loaded.error == 0 || loaded.error == -EBADMSG
            ? std::string("is damaged")
            : text::Concat("cannot be read (", std::strerror(-loaded.error), ")");
    AddDamage(text::Concat("file ", view.path, ": ", why, ": numbers ", gap.first, " to ", gap.last,
                           " are lost"));
  }
}

ChunkSource::Loaded ChannelSpool::LoadPlace(const hub::HistoryQuery& query) {
  Loaded loaded{.answer = {.kind = Kind::kPlace}};
  uint64_t wanted = query.last_records;
  for (const SegmentView& view : FilesUpTo(query.after)) {
    const bool is_partly =
        view.facts.epoch == query.after.epoch && view.facts.last_sequence > query.after.sequence;
    const uint64_t last = is_partly ? query.after.sequence : kEverything;
    PassedRecords passed{.records = view.facts.records};
    if (is_partly) passed = PassRecords(*files_, view, kEverything, last);
    if (IsShortage(passed.error)) return {.answer = {}, .retry_later = true};
    if (passed.error == -ENOENT && HasChanged(view)) return {};
    if (passed.records < wanted) {
      wanted -= passed.records;
      continue;
    }
    passed = PassRecords(*files_, view, passed.records - wanted, last);
    if (IsShortage(passed.error)) return {.answer = {}, .retry_later = true};
    loaded.answer.place = {.epoch = view.facts.epoch, .sequence = passed.sequence};
    break;
  }
  return loaded;
}

std::vector<SegmentView> ChannelSpool::FilesUpTo(const hub::Cursor& before) {
  const std::lock_guard lock(mutex_);
  const bool has_epoch = catalog_.Find(before.epoch, 0) != nullptr;
  bool is_behind = has_epoch;  // of `before`, as the newest are
  std::vector<SegmentView> views;
  for (auto file = catalog_.files().rbegin(); file != catalog_.files().rend(); ++file) {
    const SegmentFacts& facts = file->facts;
    if (facts.epoch == before.epoch) is_behind = facts.first_sequence > before.sequence;
    if (is_behind || file->is_hidden) continue;
    views.push_back(ViewOf(*file));
  }
  return views;
}

bool ChannelSpool::HasChanged(const SegmentView& view) {
  const std::lock_guard lock(mutex_);
  const SegmentFile* file = catalog_.FindIndex(view.facts.index);
  if (file == nullptr || file->is_hidden) return true;
  return file->bytes != view.bytes || ViewOf(*file).path != view.path;
}

SegmentView ChannelSpool::ViewOf(const SegmentFile& file) const {
  return {.path = text::Concat(folder_, "/", file.name()),
          .last_path = text::Concat(folder_, "/", ClosedName(file.facts)),
          .facts = file.facts,
          .bytes = file.bytes,
          .mark = {}};
}

void ChannelSpool::Reached(uint64_t run, const hub::Cursor& cursor) {
  const std::lock_guard lock(mutex_);
  reached_run_ = run;
  reached_ = cursor;
  progress_waiters_.NotifyAll();
}

void ChannelSpool::SetDegraded(const std::string& reason, const char* cause,
                               const std::string& remedy) {
  {
    const std::lock_guard lock(mutex_);
    if (reason_ == reason) return;
    reason_ = reason;
    cause_ = cause;
    remedy_ = remedy;
    progress_waiters_.NotifyAll();
  }
  on_problem_();
}

void ChannelSpool::SetMaxBytes(uint64_t max_bytes) {
  const std::lock_guard lock(mutex_);
  max_bytes_ = max_bytes;
}

void ChannelSpool::Ended() {
  const std::lock_guard lock(mutex_);
  first_epochs_ = catalog_.Epochs();
  reached_run_ = 0;
  reached_ = {};
}

void ChannelSpool::AddSchema(std::shared_ptr<const hub::Schema> schema) {
  const std::lock_guard lock(mutex_);
  const uint64_t id = schema->id;
  schemas_.insert_or_assign(id, std::move(schema));
}

void ChannelSpool::RemoveSchema(uint64_t schema_id) {
  const std::lock_guard lock(mutex_);
  schemas_.erase(schema_id);
}

void ChannelSpool::AddDamage(std::string damage) {
  {
    const std::lock_guard lock(mutex_);
    if (damages_.size() == kMaxDamages) {
      ++more_damages_;
    } else {
      damages_.push_back(std::move(damage));
    }
  }
  on_problem_();
}

uint32_t ChannelSpool::TakeIndex() {
  const std::lock_guard lock(mutex_);
  return next_index_++;
}

}  // namespace kchan::spool
