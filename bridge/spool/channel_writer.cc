// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/channel_writer.h"

#include <algorithm>
#include <utility>

#include "bridge/hub/element.h"
#include "bridge/spool/write_error.h"
#include "bridge/text/concat.h"

namespace kchan::spool {
namespace {

using Clock = ChannelWriter::Clock;

constexpr size_t kFrameBytes = 256 << 10;
constexpr int kFramesPerTurn = 16;  // before others have their turn
constexpr std::chrono::milliseconds kAgePrecision{100};
constexpr char kTooSlow[] = "dropped before it was on disk";

}  // namespace

ChannelWriter::ChannelWriter(SpoolRoot& root, std::shared_ptr<ChannelSpool> spool,
                             std::shared_ptr<hub::Channel> channel, const SpoolLimits& limits,
                             bool is_recovered, std::function<void(ChannelWriter*)> on_ready)
    : root_(root),
      spool_(std::move(spool)),
      channel_(std::move(channel)),
      on_ready_(std::move(on_ready)),
      files_(root, spool_, channel_, limits, is_recovered),
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
  read_due_ = files_.limits().fsync == Fsync::kEach ? now : now + root_.options().pace.gather;
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
  if (is_due(sync_due_)) {
    if (const int error = files_.Sync(); error < 0) return Degrade(error);
  }
  if (is_due(age_due_)) {
    if (const int error = files_.DeleteOld(); error < 0) return Degrade(error);
    ScheduleAge();
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
    int error = 0;
    if (!batch.empty()) {
      error = Write(batch, next.cursor.sequence);
    } else if (error_ != 0) {
      error = files_.Probe();
    }
    if (error < 0) {
      Degrade(error);
      return false;
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
  Piece piece{
      .epoch = batch.epoch,
      .schema_id = batch.schema_id,
      .first_sequence = batch.first_sequence != 0 ? batch.first_sequence : last_sequence + 1,
      .last_sequence = last_sequence,
      .bytes = loss.size() + batch.body_bytes};
  if (!loss.empty()) piece.parts.emplace_back(loss);
  for (const hub::SegmentSlice& slice : batch.slices) piece.parts.push_back(slice.bytes);
  if (const int error = files_.Append(piece); error < 0) return error;
  if (files_.limits().fsync == Fsync::kInterval && !sync_due_) {
    sync_due_ = Clock::now() + root_.options().pace.sync;
  }
  if (!age_due_) ScheduleAge();
  return 0;
}

// What this reader of the log has lost, as an element; empty if nothing.
std::vector<std::byte> ChannelWriter::LossOf(const hub::LogBatch& batch) {
  if (!batch.loss) return {};
  if (batch.loss->count == 0) {
    files_.set_after_unseen();
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

void ChannelWriter::SetLimits(const SpoolLimits& limits) {
  files_.SetLimits(limits);
  if (error_ != 0) return;  // they hold once it can be written again
  if (const int error = files_.MakeRoom(0); error < 0) Degrade(error);
  ScheduleAge();
}

void ChannelWriter::ScheduleAge() {
  age_due_.reset();
  if (const auto left_ns = files_.NsUntilOld()) {
    // Not at once: what cannot go now would be tried again and again.
    age_due_ =
        Clock::now() + std::max<Clock::duration>(kAgePrecision, std::chrono::nanoseconds(*left_ns));
  }
}

void ChannelWriter::Degrade(int error) {
  const Clock::time_point now = Clock::now();
  const SpoolPace& pace = root_.options().pace;
  const bool is_new = error_ == 0;
  // A disk that is full again at once is tried ever more seldom, as one that
  // stays so.
  if (is_new && now - recovered_at_ > pace.last_retry) retry_delay_ = pace.first_retry;
  error_ = error;
  loss_cause_ = CauseOf(error);
  files_.Abandon();
  read_due_.reset();
  retry_due_ = now + retry_delay_;
  retry_delay_ = std::min<Clock::duration>(2 * retry_delay_, pace.last_retry);
  const std::string reason = ReasonOf(error, spool_->folder());
  const std::string remedy = RemedyFor(error, root_.options().directory);
  spool_->SetDegraded(reason, loss_cause_, remedy);
  if (is_new && root_.options().on_note) {
    root_.options().on_note(
        text::Concat("spool of channel ", spool_->name(), ": ", reason, "; ", remedy));
  }
}

void ChannelWriter::Recover() {
  error_ = 0;
  loss_cause_ = kTooSlow;
  recovered_at_ = Clock::now();
  retry_due_.reset();
  spool_->SetDegraded("", "", "");
  if (root_.options().on_note) {
    root_.options().on_note(
        text::Concat("spool of channel ", spool_->name(), ": can be written again"));
  }
}

void ChannelWriter::Stop() {
  channel_->log().Disarm(this);
  while (error_ == 0 && WriteSome()) {
  }
  channel_->log().Disarm(this);
  (void)files_.Close();
}

}  // namespace kchan::spool
