// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/path/ring_writers.h"

#include <sched.h>
#include <time.h>

#include <cstdint>
#include <vector>

#include "kmod/ring.h"

namespace kchan::bench {
namespace {

// A ring's worth takes milliseconds to read: this is often enough, and seldom
// enough to cost nothing.
constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 100'000};
constexpr uint64_t kPublishBytes = 64 << 10;

uint64_t UsedBytes(testing::UserRing& ring) {
  return __atomic_load_n(&ring.producer()->producer_pos, __ATOMIC_RELAXED) -
         __atomic_load_n(&ring.consumer()->consumer_pos, __ATOMIC_ACQUIRE);
}

void WaitUntilHalfEmpty(testing::UserRing& ring) {
  while (UsedBytes(ring) > ring.data_bytes() / 2) nanosleep(&kPause, nullptr);
}

uint64_t SpaceOf(const Setup& setup) {
  return (sizeof(kchan_record) + setup.record_bytes + KCHAN_RECORD_ALIGN - 1) &
         ~uint64_t{KCHAN_RECORD_ALIGN - 1};
}

class Emitter {
 public:
  Emitter(testing::UserRing& ring, const Setup& setup)
      : ring_(ring), payload_(setup.record_bytes, 'x') {}

  char* payload() { return payload_.data(); }
  bool Emit() {
    return kchan_ring_emit(ring_.core(), 1, payload_.data(),
                           static_cast<uint32_t>(payload_.size())) == 0;
  }

 private:
  testing::UserRing& ring_;
  std::vector<char> payload_;
};

void Publish(testing::UserRing& ring, uint64_t position, uint64_t sequence) {
  kchan_producer_page* const page = ring.producer();
  const auto version = page->version;
  __atomic_store_n(&page->version, version + 1, __ATOMIC_RELAXED);
  __atomic_thread_fence(__ATOMIC_RELEASE);
  __atomic_store_n(&page->producer_pos, position, __ATOMIC_RELEASE);
  __atomic_store_n(&page->producer_seq, sequence, __ATOMIC_RELAXED);
  __atomic_store_n(&page->version, version + 2, __ATOMIC_RELEASE);
}

void WakeIfAsked(testing::UserRing& ring, uint64_t before, uint64_t now) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  const uint64_t wake_pos = __atomic_load_n(&ring.consumer()->wake_pos, __ATOMIC_RELAXED);
  if (wake_pos - before - 1 < now - before) ring.core()->wake(ring.core());
}

}  // namespace

void WritePaced(testing::UserRing& ring, const Setup& setup) {
  Emitter emitter(ring, setup);
  for (Pacer pacer(setup.rate);;) {
    pacer.Wait();
    PutStamp(emitter.payload());
    emitter.Emit();
  }
}

void WriteWhatFits(testing::UserRing& ring, const Setup& setup) {
  Emitter emitter(ring, setup);
  const uint64_t at_once = ring.data_bytes() / 4 / SpaceOf(setup);
  for (;;) {
    WaitUntilHalfEmpty(ring);
    for (uint64_t i = 0; i < at_once; ++i) emitter.Emit();
  }
}

void WriteAll(testing::UserRing& ring, const Setup& setup) {
  Emitter emitter(ring, setup);
  for (;;) {
    // The reader runs on the same processors and would only wait for it.
    if (!emitter.Emit()) sched_yield();
  }
}

void WriteHeaders(testing::UserRing& ring, const Setup& setup) {
  const kchan_record header{.length = static_cast<uint32_t>(setup.record_bytes),
                            .type = 1,
                            .flags = 0,
                            .boottime_ns = StampNow(),
                            .lost_before = 0};
  const uint64_t space = SpaceOf(setup);
  for (uint64_t position = 0, sequence = 0, published = 0;;) {
    std::byte* const at = ring.data() + (position & (ring.data_bytes() - 1));
    *reinterpret_cast<kchan_record*>(at) = header;
    position += space;
    ++sequence;
    if (position - published < kPublishBytes) continue;
    Publish(ring, position, sequence);
    WakeIfAsked(ring, published, position);
    published = position;
    WaitUntilHalfEmpty(ring);
  }
}

}  // namespace kchan::bench
