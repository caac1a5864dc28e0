// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_RING_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_RING_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/loss_causes.h"
#include "bridge/source/record_source.h"
#include "bridge/source/ring_opener.h"
#include "bridge/source/ring_reader.h"
#include "bridge/source/room_watch.h"

namespace kchan::source {

// How often a source lets itself be woken. While records are rare each one
// wakes it; while they come at more than `batch_records` in `batch_delay` it
// looks every `batch_delay`, or when `batch_bytes` have gathered. Where all readers
// bear a longer delay (hub::Patience) it looks after that one, for as long as
// records come at all. Idle, it has no timer.
struct RingPace {
  absl::Duration batch_delay = absl::Milliseconds(1);
  uint64_t batch_records = 16;
  size_t batch_bytes = 64 << 10;     // a quarter of a smaller ring
  size_t turn_bytes = 256 << 10;     // of each ring, before others have their turn
  size_t publish_bytes = 256 << 10;  // within a turn
};

// All rings of one channel. Its records are in the order of each ring; rings
// are read in turn, so that a busy CPU does not hold up the others.
//
// A turn copies records into the log, then gives back their space in the
// rings, then publishes them: a number that somebody has seen belongs to space
// that no reader after us reads again. So numbers go on after a kill -9.
//
// While the log has no room, because a reader holds it, records stay in the rings.
class RingSource final : public RecordSource {
 public:
  // Attaches every ring that there is: all or none. UNAVAILABLE: the channel
  // was activated anew meanwhile. Others as RingOpener and RingReader.
  static absl::StatusOr<std::unique_ptr<RingSource>> Attach(EventLoop& loop, RingOpener& opener,
                                                            const std::string& channel, bool shared,
                                                            const RingPace& pace);

  uint64_t generation() const override;
  uint64_t next_sequence() const override;
  void Start(hub::Log& log, OnEnd on_end) override;
  void RingsAppeared() override;
  // Nothing to do: the rings themselves say that they are dead, behind their
  // last record.
  void ChannelGone() override {}

 private:
  struct Ring {
    Ring(std::unique_ptr<RingReader> ring_reader, const kchan_ring_counters& counters)
        : reader(std::move(ring_reader)), causes(counters) {}

    std::unique_ptr<RingReader> reader;
    LossCauses causes;
    bool ready = true;               // it may have something
    bool due = false;                // is looked at in this turn
    bool loss_signalled = true;      // EPOLLPRI came, and was not followed to its end
    bool finished = false;           // dead, and read to its end
    std::unique_ptr<FdWatch> watch;  // goes before the reader's descriptor
  };
  class Sink;

  RingSource(EventLoop& loop, RingOpener& opener, std::string channel, const RingPace& pace);

  absl::Status AttachRing(uint32_t cpu);
  absl::Status AttachLate(uint32_t cpu);
  bool IsAttached(uint32_t cpu) const;
  absl::Status WatchRing(Ring& ring);

  void Schedule(absl::Duration delay) { timer_.Start(delay); }
  // One turn, in its steps.
  void Turn();
  void ChooseDue();
  absl::Status Copy(Ring& ring);
  void ReleaseAndPublish();
  // What all readers bear, if it is longer than the pace's own.
  absl::Duration BatchDelay() const;
  bool ShouldBatch();
  absl::Status Arm(Ring& ring);
  bool AllFinished() const;
  bool AnyReady() const;
  void End(absl::Status status);

  EventLoop& loop_;
  RingOpener& opener_;
  const std::string channel_;
  const RingPace pace_;
  hub::Log* log_ = nullptr;  // from Start() on
  std::optional<RoomWatch> room_;
  size_t turn_room_ = 0;  // what is left of it in this turn
  OnEnd on_end_;
  std::vector<std::unique_ptr<Ring>> rings_;
  Timer timer_;  // of the next turn, at once or after batch_delay
  bool batching_ = false;
  uint64_t turn_records_ = 0;
  size_t unpublished_bytes_ = 0;
  absl::Time window_start_;
  uint64_t window_records_ = 0;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_RING_SOURCE_H_
