// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/ring_reader.h"

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kchan::source {
namespace {

constexpr auto kProducerStateTimeout = std::chrono::seconds(1);
constexpr uint64_t kMaxSequence = 1ull << 62;

// A store before it is seen before a load after it is done.
void FullBarrier() {
#if defined(__SANITIZE_THREAD__)
  // ThreadSanitizer knows no fences; a locked instruction is one on the CPU.
  std::atomic<int> fence{0};
  fence.fetch_add(1, std::memory_order_seq_cst);
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

// The kernel relies on these places: a change is a change of the ABI.
static_assert(sizeof(kchan_record) == 24 && offsetof(kchan_record, lost_before) == 16);
static_assert(offsetof(kchan_consumer_page, wake_pos) == 64);
static_assert(offsetof(kchan_consumer_page, lost_seen) == 128);
static_assert(sizeof(kchan_producer_page) == 64);
static_assert(offsetof(kchan_info_page, state) == 44);
static_assert(sizeof(kchan_info_page) == 48 + KCHAN_NAME_BYTES);
static_assert(sizeof(kchan_ring_counters) == 128);

bool IsPowerOfTwo(uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

}  // namespace

RingReader::RingReader(std::unique_ptr<MappedRing> ring, std::string name)
    : ring_(std::move(ring)), memory_(ring_->memory()), name_(std::move(name)) {}

absl::StatusOr<std::unique_ptr<RingReader>> RingReader::Attach(std::unique_ptr<MappedRing> ring,
                                                               std::string name) {
  std::unique_ptr<RingReader> reader(new RingReader(std::move(ring), std::move(name)));
  if (absl::Status status = reader->CheckInfo(); !status.ok()) return status;
  if (absl::Status status = reader->FindStart(); !status.ok()) return status;
  return reader;
}

absl::Status RingReader::CheckInfo() {
  // A copy: what is checked is what is used.
  const kchan_info_page info = *memory_.info;
  if (info.magic != KCHAN_INFO_MAGIC) {
    return absl::DataLossError(absl::StrCat(name_, ": the info page has no kchan magic"));
  }
  if (info.abi_major != KCHAN_ABI_MAJOR) {
    return absl::FailedPreconditionError(
        absl::StrCat(name_, ": ABI ", info.abi_major, ".", info.abi_minor, ", this program speaks ",
                     KCHAN_ABI_MAJOR, ".x: install the matching kchan module"));
  }
  if (info.data_bytes != memory_.data_bytes || !IsPowerOfTwo(info.data_bytes) ||
      info.data_bytes > KCHAN_MAX_RING_BYTES || info.generation == 0 ||
      info.clock_id != CLOCK_BOOTTIME) {
    return absl::DataLossError(absl::StrCat(name_, ": the info page contradicts the mapping (",
                                            info.data_bytes, " bytes of data, ", memory_.data_bytes,
                                            " mapped)"));
  }
  generation_ = info.generation;
  cpu_ = info.cpu;
  return absl::OkStatus();
}

absl::StatusOr<RingReader::ProducerState> RingReader::ReadProducerState() const {
  const kchan_producer_page& page = *memory_.producer;
  const auto deadline = std::chrono::steady_clock::now() + kProducerStateTimeout;
  do {
    // Pairs with the barriers in store_producer_page(): the three are loaded
    // between two loads of an even version that did not change.
    const uint64_t version = __atomic_load_n(&page.version, __ATOMIC_ACQUIRE);
    const ProducerState state = {
        .position = __atomic_load_n(&page.producer_pos, __ATOMIC_ACQUIRE),
        .sequence = __atomic_load_n(&page.producer_seq, __ATOMIC_ACQUIRE),
        .lost = __atomic_load_n(&page.producer_lost, __ATOMIC_ACQUIRE),
    };
    if (version % 2 == 0 && __atomic_load_n(&page.version, __ATOMIC_RELAXED) == version) {
      return state;
    }
    sched_yield();
  } while (std::chrono::steady_clock::now() < deadline);
  return absl::UnavailableError(
      absl::StrCat(name_, ": the producer page kept changing for a second: try again"));
}

// A walk over what the reader before us left tells how much of the ring's
// count it had used up. A position from which the walk does not land exactly on
// the producer's was not a reader's: start at the producer, all before is gone.
absl::Status RingReader::FindStart() {
  const absl::StatusOr<ProducerState> state = ReadProducerState();
  if (!state.ok()) return state.status();
  const absl::StatusOr<kchan_ring_counters> counters = ring_->ReadCounters();
  if (!counters.ok()) return counters.status();
  if (counters->generation != generation_) {
    return absl::UnavailableError(
        absl::StrCat(name_, ": the channel was activated anew meanwhile: attach again"));
  }
  if (state->position % KCHAN_RECORD_ALIGN != 0 || state->sequence > kMaxSequence ||
      state->lost > state->sequence || counters->lost > kMaxSequence) {
    return absl::DataLossError(absl::StrCat(name_, ": the producer page contradicts itself"));
  }

  const uint64_t stored = state->sequence - state->lost;
  const uint64_t consumer_pos = __atomic_load_n(&memory_.consumer->consumer_pos, __ATOMIC_RELAXED);
  uint64_t position = consumer_pos;
  uint64_t records = 0;
  uint64_t carried = 0;
  bool plausible = consumer_pos % KCHAN_RECORD_ALIGN == 0 &&
                   state->position - consumer_pos <= memory_.data_bytes;
  while (plausible && position != state->position) {
    Header header;
    plausible = ReadHeader(position, state->position - position, &header);
    if (!plausible) break;
    position += header.total_bytes;
    records += header.discarded ? 0 : 1;
    carried += header.record.lost_before;
    plausible = records <= stored && carried <= state->lost;
  }
  if (!plausible) {
    records = 0;
    carried = 0;
  }

  position_ = plausible ? consumer_pos : state->position;
  carried_ = state->lost - carried;
  // What the reader before us had read from the counters, too, but never more
  // than there is: lost_seen is its word only.
  const uint64_t lost_seen = __atomic_load_n(&memory_.consumer->lost_seen, __ATOMIC_RELAXED);
  accounted_ = std::max(carried_, std::min(lost_seen, uint64_t{counters->lost}));
  accounted_base_ = accounted_;
  sequence_base_ = stored - records + accounted_;
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> RingReader::PublishedEnd() {
  if (!broken_.ok()) return broken_;
  // Pairs with the store-release in store_producer_page(): everything below
  // is complete.
  const uint64_t end = __atomic_load_n(&memory_.producer->producer_pos, __ATOMIC_ACQUIRE);
  if (end - position_ > memory_.data_bytes || end % KCHAN_RECORD_ALIGN != 0) [[unlikely]] {
    broken_ =
        absl::DataLossError(absl::StrCat(name_, ": producer position ", end, " cannot follow ",
                                         position_, ": nothing more can be read from this ring"));
    return broken_;
  }
  return end;
}

absl::Status RingReader::BadHeader(uint64_t position) {
  broken_ = absl::DataLossError(absl::StrCat(name_, ": the record at position ", position,
                                             " cannot be true: nothing more can be read from "
                                             "this ring"));
  return broken_;
}

absl::StatusOr<size_t> RingReader::backlog_bytes() {
  const absl::StatusOr<uint64_t> end = PublishedEnd();
  if (!end.ok()) return end.status();
  return *end - position_;
}

absl::StatusOr<uint64_t> RingReader::TakeTailLoss() {
  if (!broken_.ok()) return broken_;
  const absl::StatusOr<kchan_ring_counters> counters = ring_->ReadCounters();
  if (!counters.ok()) return counters.status();
  if (counters->generation != generation_ || counters->lost > kMaxSequence) {
    return absl::DataLossError(absl::StrCat(name_, ": the counters are not this ring's"));
  }
  // A record that was stored before one of these losses has its number first,
  // and may carry some of them.
  const absl::StatusOr<uint64_t> end = PublishedEnd();
  if (!end.ok()) return end.status();
  if (*end != position_ || counters->lost <= accounted_) return 0;
  const uint64_t lost = counters->lost - accounted_;
  accounted_ = counters->lost;
  return lost;
}

void RingReader::Release() {
  // First the losses: a reader killed in between leaves numbers that nobody
  // has seen, which are a gap; the other way round it would leave losses that
  // its successor numbers again.
  __atomic_store_n(&memory_.consumer->lost_seen, accounted_, __ATOMIC_RELAXED);
  // Pairs with the load-acquire in kchan_ring_make_space(): what we read comes before
  // what the writer puts there.
  __atomic_store_n(&memory_.consumer->consumer_pos, position_, __ATOMIC_RELEASE);
}

bool RingReader::Arm(size_t bytes_ahead) {
  const uint64_t ahead = std::clamp<uint64_t>(bytes_ahead, 1, memory_.data_bytes / 2);
  const uint64_t wake_pos = position_ + ahead;
  __atomic_store_n(&memory_.consumer->wake_pos, wake_pos, __ATOMIC_RELAXED);
  // wake_pos (and lost_seen, by Release()) before the second look. Pairs with
  // the barriers in wake_if_reached() and kchan_ring_count_lost(); the second look for a
  // loss is the kernel's, in poll().
  FullBarrier();
  const uint64_t end = __atomic_load_n(&memory_.producer->producer_pos, __ATOMIC_RELAXED);
  return end >= wake_pos || dead();
}

bool RingReader::dead() const {
  // Pairs with the store-release in kchan_ring_mark_dead().
  return __atomic_load_n(&memory_.info->state, __ATOMIC_ACQUIRE) == KCHAN_STATE_DEAD;
}

}  // namespace kchan::source
