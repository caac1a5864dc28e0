// SPDX-License-Identifier: Apache-2.0
// An interrupt at every place: the stepped build of the ring core calls us
// before each access to what the contexts of one CPU share. Each pair of what
// is interrupted and what interrupts is run once for every place, and once
// more for every place within the interrupt, where an NMI comes.
#include <optional>

#include "tests/unit/ring/ring_fixture.h"

namespace kchan::testing {
namespace {

enum class Action { kEmit, kDiscard, kTooLong, kTooFull };

constexpr Action kActions[] = {Action::kEmit, Action::kDiscard, Action::kTooLong, Action::kTooFull};

// The writers of one CPU: which of them run at which place.
struct Schedule {
  UserRing* ring;
  Action actions[3];  // thread, interrupt, NMI
  // How many points a context passes before the next one comes; nullopt: never.
  std::optional<int> places[2];

  int depth = 0;        // which context runs
  int passed[2] = {};   // points passed by the thread and by the interrupt
  bool came[2] = {};    // whether it has been interrupted
  uint64_t stored = 0;  // what should come out
  uint64_t lost = 0;
  uint64_t withdrawn = 0;
};
thread_local Schedule* schedule = nullptr;

void Count(int result) {
  if (result == 0) {
    ++schedule->stored;
  } else {
    ++schedule->lost;
  }
}

void Write(Action action) {
  const std::string too_long(70000, 'x');
  switch (action) {
    case Action::kEmit:
      return Count(kchan_ring_emit(schedule->ring->core(), 1, "record", 6));
    case Action::kDiscard: {
      kchan_record* record = kchan_ring_reserve(schedule->ring->core(), 1, 100);
      if (IS_ERR(record)) return Count(-1);
      ++schedule->withdrawn;
      return kchan_ring_discard(schedule->ring->core(), record);
    }
    case Action::kTooLong:
      return Count(kchan_ring_emit(schedule->ring->core(), 1, too_long.data(), 70000));
    case Action::kTooFull:  // the ring is never empty
      return Count(kchan_ring_emit(schedule->ring->core(), 1, too_long.data(), 16384 - 24));
  }
}

// Whoever reads the producer page as one, at any time, finds position and
// numbers that belong together. The ring has not gone round yet.
void ExpectPageIsOneStory() {
  const kchan_producer_page page = *schedule->ring->producer();
  if (page.version % 2 != 0) return;
  uint64_t records = 0;
  uint64_t carried = 0;
  for (uint64_t position = 0; position != page.producer_pos;) {
    kchan_record record;
    std::memcpy(&record, schedule->ring->data() + position, sizeof(record));
    records += (record.length & KCHAN_RECORD_DISCARD) == 0 ? 1 : 0;
    carried += record.lost_before;
    position += KCHAN_RING_RECORD_BYTES(record.length & KCHAN_RECORD_LENGTH_MASK);
    ASSERT_LE(position, page.producer_pos);
  }
  EXPECT_EQ(page.producer_seq, records + carried);
  EXPECT_EQ(page.producer_lost, carried);
}

void OnPoint() {
  ExpectPageIsOneStory();
  const int depth = schedule->depth;
  if (depth == 2 || schedule->came[depth]) return;
  if (schedule->passed[depth]++ != schedule->places[depth]) return;
  schedule->came[depth] = true;
  ++schedule->depth;
  Write(schedule->actions[depth + 1]);
  --schedule->depth;
}

class RingInterruptTest : public RingTest, public ::testing::WithParamInterface<Action> {
 protected:
  // Runs the three actions with interrupts at these places. Returns whether
  // both came: false ends the row of places.
  bool Run(Schedule plan) {
    // Records before it, read; a loss that nobody has carried yet.
    Make({.data_bytes = 16384, .max_payload_bytes = 65536});
    auto reader = Attach();
    EXPECT_EQ(Emit("before"), 0);
    EXPECT_EQ(Emit(std::string(70000, 'x')), -EMSGSIZE);
    RecordingSink sink;
    DrainInto(*reader, sink);
    EXPECT_FALSE(reader->Arm());
    const uint64_t wakeups = ring_->Counters().wakeups;

    plan.ring = ring_.get();
    schedule = &plan;
    kchan_port_step = OnPoint;
    Write(plan.actions[0]);
    kchan_port_step = nullptr;
    schedule = nullptr;

    // All is published, woken for, and adds up.
    EXPECT_EQ(ring_->core()->nest, 0u);
    EXPECT_EQ(ring_->core()->published, static_cast<uint64_t>(ring_->core()->head.value));
    EXPECT_EQ(ring_->core()->published, ring_->producer()->producer_pos);
    if (plan.stored + plan.withdrawn > 0) {
      EXPECT_GT(ring_->Counters().wakeups, wakeups) << "the reader sleeps on a record";
    }
    ExpectCountersAddUp(2 + plan.stored + plan.lost, plan.withdrawn);
    DrainInto(*reader, sink);
    EXPECT_EQ(sink.records, 1 + plan.stored);
    EXPECT_TRUE(reader->ReportTailLoss(sink).ok());
    EXPECT_EQ(sink.lost, 1 + plan.lost);
    EXPECT_EQ(static_cast<uint64_t>(ring_->core()->carried.value),
              ring_->producer()->producer_lost);
    return plan.came[0] && (!plan.places[1] || plan.came[1]);
  }
};

std::string Name(Action action) {
  switch (action) {
    case Action::kEmit:
      return "Emit";
    case Action::kDiscard:
      return "Discard";
    case Action::kTooLong:
      return "TooLong";
    case Action::kTooFull:
      return "TooFull";
  }
  return "";
}

TEST_P(RingInterruptTest, AtEveryPlaceEverythingIsPublishedOnce) {
  int places = 0;
  for (const Action interrupt : kActions) {
    for (int place = 0;; ++place, ++places) {
      SCOPED_TRACE(Name(interrupt) + " at place " + std::to_string(place));
      if (!Run({.ring = nullptr, .actions = {GetParam(), interrupt}, .places = {place, {}}})) break;
      ASSERT_FALSE(HasFailure());
    }
  }
  EXPECT_GE(places, 20);
}

TEST_P(RingInterruptTest, WithAnNmiWithinAtEveryPlaceEverythingIsPublishedOnce) {
  for (const Action interrupt : {Action::kEmit, Action::kDiscard}) {
    for (const Action nmi : {Action::kEmit, Action::kTooFull}) {
      for (int place = 0;; ++place) {
        int within = 0;
        while (Run({.ring = nullptr,
                    .actions = {GetParam(), interrupt, nmi},
                    .places = {place, within}})) {
          ASSERT_FALSE(HasFailure()) << Name(interrupt) << " at place " << place << ", "
                                     << Name(nmi) << " at place " << within << " within";
          ++within;
        }
        if (within == 0) break;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, RingInterruptTest, ::testing::ValuesIn(kActions),
                         [](const auto& test) { return Name(test.param); });

}  // namespace
}  // namespace kchan::testing
