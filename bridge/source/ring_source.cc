// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/ring_source.h"

#include <sys/epoll.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kchan::source {

// Copies what a ring's reader finds into the log.
class RingSource::Sink {
 public:
  Sink(RingSource& source, Ring& ring)
      : source_(source),
        log_(*source.log_),
        ring_(ring),
        shared_(ring.reader->cpu() == KCHAN_CPU_SHARED) {}

  void OnRecord(const kchan_record& record, std::span<const std::byte> payload) {
    ++source_.turn_records_;
    log_.Append({.boottime_ns = record.boottime_ns,
                 .cpu = shared_ ? record.flags : ring_.reader->cpu(),
                 .type = record.type},
                payload);
  }

  void OnLost(uint64_t count) {
    ring_.causes.Split(count, Counters(), [this](uint64_t part, const char* cause) {
      hub::Loss loss{.count = part, .stage = hub::LossStage::kKernelRing, .cause = cause};
      if (!shared_) loss.cpu = ring_.reader->cpu();
      log_.AppendLoss(loss);
    });
  }

 private:
  // One system call for all losses of a turn.
  const kchan_ring_counters& Counters() {
    if (!counters_) counters_ = ring_.reader->ReadCounters().value_or(kchan_ring_counters{});
    return *counters_;
  }

  RingSource& source_;
  hub::Log& log_;
  Ring& ring_;
  const bool shared_;
  std::optional<kchan_ring_counters> counters_;
};

RingSource::RingSource(EventLoop& loop, RingOpener& opener, std::string channel,
                       const RingPace& pace)
    : loop_(loop),
      opener_(opener),
      channel_(std::move(channel)),
      pace_(pace),
      timer_(loop, [this] { Turn(); }),
      window_start_(MonotonicNow()) {}

absl::StatusOr<std::unique_ptr<RingSource>> RingSource::Attach(EventLoop& loop, RingOpener& opener,
                                                               const std::string& channel,
                                                               bool shared, const RingPace& pace) {
  auto source = std::unique_ptr<RingSource>(new RingSource(loop, opener, channel, pace));
  const std::vector<uint32_t> cpus =
      shared ? std::vector<uint32_t>{KCHAN_CPU_SHARED} : opener.PossibleCpus();
  for (const uint32_t cpu : cpus) {
    const absl::Status status = source->AttachRing(cpu);
    // A CPU that has never been online; its ring is announced when it is.
    if (absl::IsOutOfRange(status) && !shared) continue;
    if (!status.ok()) return status;
  }
  if (source->rings_.empty()) {
    return absl::UnavailableError(absl::StrCat("channel ", channel, ": no CPU has a ring"));
  }
  return source;
}

absl::Status RingSource::AttachRing(uint32_t cpu) {
  auto mapped = opener_.Open(channel_, cpu);
  if (!mapped.ok()) return mapped.status();
  auto reader = RingReader::Attach(*std::move(mapped),
                                   cpu == KCHAN_CPU_SHARED
                                       ? absl::StrCat("ring of channel ", channel_)
                                       : absl::StrCat("ring of channel ", channel_, ", CPU ", cpu));
  if (!reader.ok()) return reader.status();
  if (!rings_.empty() && (*reader)->generation() != generation()) {
    return absl::UnavailableError(
        absl::StrCat("channel ", channel_, ": it was activated anew while it was opened"));
  }
  const auto counters = (*reader)->ReadCounters();
  if (!counters.ok()) return counters.status();
  rings_.push_back(std::make_unique<Ring>(*std::move(reader), *counters));
  return absl::OkStatus();
}

uint64_t RingSource::generation() const { return rings_.front()->reader->generation(); }

uint64_t RingSource::next_sequence() const {
  uint64_t used = 0;
  for (const auto& ring : rings_) {
    used += ring->reader->sequence_base() + ring->reader->numbers_used();
  }
  return used + 1;
}

absl::Status RingSource::WatchRing(Ring& ring) {
  auto watch =
      FdWatch::Create(loop_, ring.reader->fd(), EPOLLIN | EPOLLPRI, [this, &ring](uint32_t events) {
        ring.ready = true;
        ring.loss_signalled |= (events & EPOLLPRI) != 0;
        // Not here: the other rings' events may be next.
        Schedule(absl::ZeroDuration());
      });
  if (!watch.ok()) return watch.status();
  ring.watch = *std::move(watch);
  return absl::OkStatus();
}

void RingSource::Start(hub::Log& log, OnEnd on_end) {
  log_ = &log;
  room_.emplace(loop_, log, [this] { Schedule(absl::ZeroDuration()); });
  on_end_ = std::move(on_end);
  for (const auto& ring : rings_) {
    if (absl::Status status = WatchRing(*ring); !status.ok()) return End(std::move(status));
  }
  Schedule(absl::ZeroDuration());
}

void RingSource::RingsAppeared() {
  if (IsAttached(KCHAN_CPU_SHARED)) return;
  for (const uint32_t cpu : opener_.PossibleCpus()) {
    if (IsAttached(cpu)) continue;
    absl::Status status = AttachLate(cpu);
    if (!status.ok() && !absl::IsOutOfRange(status)) return End(std::move(status));
  }
  Schedule(absl::ZeroDuration());
}

absl::Status RingSource::AttachLate(uint32_t cpu) {
  const absl::Status status = AttachRing(cpu);
  if (!status.ok()) return status;
  Ring& ring = *rings_.back();
  // Numbers that a reader before us has used, and we could not count.
  if (const uint64_t used = ring.reader->sequence_base(); used != 0) {
    log_->AppendLoss({.count = used,
                      .stage = hub::LossStage::kSource,
                      .cpu = cpu,
                      .cause = "ring attached late"});
  }
  return WatchRing(ring);
}

bool RingSource::IsAttached(uint32_t cpu) const {
  return std::any_of(rings_.begin(), rings_.end(),
                     [cpu](const auto& ring) { return ring->reader->cpu() == cpu; });
}

void RingSource::Turn() {
  turn_room_ = room_->Get();
  if (turn_room_ == 0) return;  // the next turn comes with it
  ChooseDue();
  absl::Status status;
  turn_records_ = 0;
  for (const auto& ring : rings_) {
    if (status.ok() && ring->due) status = Copy(*ring);
    // Not all of them at once: records are not to wait for each other.
    if (unpublished_bytes_ >= pace_.publish_bytes) ReleaseAndPublish();
  }
  ReleaseAndPublish();
  if (!status.ok() || AllFinished()) return End(std::move(status));

  batching_ = ShouldBatch();
  for (const auto& ring : rings_) {
    if (status.ok() && ring->due) status = Arm(*ring);
  }
  if (!status.ok()) return End(std::move(status));
  if (AnyReady()) {
    Schedule(absl::ZeroDuration());
  } else if (batching_) {
    Schedule(BatchDelay());
  }
}

// A ring wakes us by its next record, and is left alone before that; unless it
// lets a batch form, then it is looked at whenever another one is.
void RingSource::ChooseDue() {
  for (const auto& ring : rings_) {
    ring->due = !ring->finished && (ring->ready || batching_);
    ring->ready = false;
  }
}

absl::Status RingSource::Copy(Ring& ring) {
  Sink sink(*this, ring);
  // Before the last look: no record follows then.
  const bool dead = ring.reader->dead();
  const bool to_the_end = dead || ring.loss_signalled;
  const absl::StatusOr<size_t> backlog_bytes = ring.reader->backlog_bytes();
  if (!backlog_bytes.ok()) return backlog_bytes.status();
  log_->ring_fill().Observe(static_cast<double>(*backlog_bytes) /
                            static_cast<double>(ring.reader->data_bytes()));
  for (size_t total = 0;;) {
    const size_t share = std::min(pace_.turn_bytes - total, turn_room_);
    const absl::StatusOr<size_t> drained = ring.reader->Drain(sink, share);
    if (!drained.ok()) return drained.status();
    total += *drained;
    unpublished_bytes_ += *drained;
    turn_room_ -= std::min(turn_room_, *drained);
    if (total >= pace_.turn_bytes || turn_room_ == 0) {
      ring.ready = true;  // more than its share of a turn
      return absl::OkStatus();
    }
    if (*drained == 0 || !to_the_end) break;
  }
  ring.finished = dead;
  return to_the_end ? ring.reader->ReportTailLoss(sink) : absl::OkStatus();
}

void RingSource::ReleaseAndPublish() {
  for (const auto& ring : rings_) {
    if (ring->due) ring->reader->Release();
  }
  log_->Publish();
  unpublished_bytes_ = 0;
}

absl::Duration RingSource::BatchDelay() const {
  return std::max(pace_.batch_delay, absl::FromChrono(log_->patience().least()));
}

bool RingSource::ShouldBatch() {
  if (BatchDelay() > pace_.batch_delay) return turn_records_ != 0;
  const absl::Time now = MonotonicNow();
  if (now - window_start_ > pace_.batch_delay) {
    window_start_ = now;
    window_records_ = 0;
  }
  window_records_ += turn_records_;
  // Two thresholds, or a rate near one of them would switch all the time.
  return window_records_ >= (batching_ ? pace_.batch_records / 2 : pace_.batch_records);
}

absl::Status RingSource::Arm(Ring& ring) {
  if (ring.finished || ring.ready) return absl::OkStatus();
  const size_t batch_bytes = std::min<size_t>(pace_.batch_bytes, ring.reader->data_bytes() / 4);
  ring.ready = ring.reader->Arm(batching_ ? batch_bytes : 1);
  if (!ring.loss_signalled) return absl::OkStatus();

  // The kernel wakes for the first loss that lost_seen does not cover, and the
  // watch is edge-triggered: so look once more now that lost_seen is stored,
  // and do not leave the loss before there is nothing new. A record that came
  // meanwhile goes first (it, or the timer, brings the next turn), and behind it
  // may be losses that wake nobody.
  const uint64_t used = ring.reader->numbers_used();
  Sink sink(*this, ring);
  if (absl::Status status = ring.reader->ReportTailLoss(sink); !status.ok()) return status;
  const absl::StatusOr<size_t> backlog_bytes = ring.reader->backlog_bytes();
  if (!backlog_bytes.ok()) return backlog_bytes.status();
  const bool found_more = ring.reader->numbers_used() != used;
  ring.ready = ring.ready || found_more;
  ring.loss_signalled = found_more || *backlog_bytes != 0;
  return absl::OkStatus();
}

bool RingSource::AllFinished() const {
  return std::all_of(rings_.begin(), rings_.end(), [](const auto& ring) { return ring->finished; });
}

bool RingSource::AnyReady() const {
  return std::any_of(rings_.begin(), rings_.end(), [](const auto& ring) { return ring->ready; });
}

void RingSource::End(absl::Status status) {
  timer_.Cancel();
  room_.reset();
  for (const auto& ring : rings_) ring->watch.reset();
  // May destroy us.
  const OnEnd on_end = std::move(on_end_);
  on_end(std::move(status));
}

}  // namespace kchan::source
