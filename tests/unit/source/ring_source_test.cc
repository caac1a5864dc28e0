// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/ring_source.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "bridge/hub/log_hold.h"
#include "ring.h"
#include "tests/unit/hub/log_testing.h"
#include "tests/unit/source/source_testing.h"

namespace kchan::testing {
namespace {

using hub::LossStage;
using hub::testing::LostNumbers;
using hub::testing::RecordNumbers;
using hub::testing::Seen;
using source::RingPace;
using source::RingSource;

constexpr uint64_t kEpoch = 7;
constexpr uint64_t kSchema = 9;

// A source over fake rings that reads into a log.
class RingSourceTest : public ::testing::Test {
 protected:
  ~RingSourceTest() override { Stop(); }

  void Start(const RingPace& pace = {}) {
    loop_.Run([&] {
      auto source = RingSource::Attach(loop_.loop(), rings(), "test", /*shared=*/false, pace);
      ASSERT_TRUE(source.ok()) << source.status();
      source_ = *std::move(source);
      log_->StartEpoch(kEpoch, kSchema, source_->next_sequence());
      source_->Start(*log_, [this](absl::Status status) {
        end_ = std::move(status);
        ended_ = true;
      });
    });
  }
  // As a kill: whatever was not released yet is read again by the next.
  void Stop() {
    loop_.Run([&] { source_.reset(); });
  }
  // A daemon that has just started has an empty log.
  void NewLog() { log_ = std::make_unique<hub::Log>(hub::LogLimits{}, use_); }

  FakeRings& rings() { return *rings_; }
  uint64_t published() const { return log_->extent().last_sequence; }
  bool Published(uint64_t sequence) {
    return Eventually([&] { return published() >= sequence; });
  }
  std::vector<Seen> ReadAll() {
    return hub::testing::Follower(*log_, hub::StartOldest()).ReadAll();
  }

  LoopThread loop_;
  std::unique_ptr<FakeRings> rings_ = std::make_unique<FakeRings>(2);
  std::shared_ptr<hub::MemoryUse> use_ = std::make_shared<hub::MemoryUse>();
  std::unique_ptr<hub::Log> log_ = std::make_unique<hub::Log>(hub::LogLimits{}, use_);
  std::unique_ptr<RingSource> source_;
  absl::Status end_;
  std::atomic<bool> ended_{false};
};

TEST_F(RingSourceTest, RecordsOfAllRingsAreInTheLogWithTheirCpuTypeAndPayload) {
  Start();
  rings().cpu(0).Emit("from zero", 3);
  ASSERT_TRUE(Published(1));
  rings().cpu(1).Emit("from one", 4);
  ASSERT_TRUE(Published(2));

  const std::vector<Seen> seen = ReadAll();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].payload, "from zero");
  EXPECT_EQ(seen[0].cpu, 0u);
  EXPECT_EQ(seen[0].type, 3u);
  EXPECT_EQ(seen[1].payload, "from one");
  EXPECT_EQ(seen[1].cpu, 1u);
  EXPECT_EQ(seen[1].type, 4u);
  EXPECT_GT(seen[1].boottime_ns, 0u);
}

TEST_F(RingSourceTest, RecordsFromBeforeTheReaderAreReadToo) {
  rings().cpu(1).Emit("early");
  Start();
  ASSERT_TRUE(Published(1));
  EXPECT_EQ(ReadAll()[0].payload, "early");
}

TEST_F(RingSourceTest, EachOfManyRecordsIsSeenOnceAndInOrderOfItsRing) {
  Start();
  constexpr int kEach = 20000;
  const auto write = [&](uint32_t cpu) {
    for (int i = 0; i < kEach;) {
      // The writer of this test waits for room instead of losing.
      if (kchan_ring_fill_bytes(rings().cpu(cpu).ring().core()) > 40000) {
        std::this_thread::yield();
      } else {
        ASSERT_EQ(rings().cpu(cpu).Emit(std::to_string(i++)), 0);
      }
    }
  };
  std::thread other([&] { write(1); });
  write(0);
  other.join();
  ASSERT_TRUE(Published(2 * kEach));

  std::vector<int> next(2, 0);
  for (const Seen& seen : ReadAll()) {
    ASSERT_TRUE(seen.is_record);
    ASSERT_EQ(seen.payload, std::to_string(next[seen.cpu]++));
  }
  EXPECT_EQ(next, std::vector<int>({kEach, kEach}));
}

TEST_F(RingSourceTest, AnOverrunRingLosesExactlyWhatIsReported) {
  constexpr uint64_t kAttempts = 5000;
  uint64_t stored = 0;
  for (uint64_t i = 0; i < kAttempts; ++i) stored += rings().cpu(0).Emit("x") == 0 ? 1 : 0;
  ASSERT_LT(stored, kAttempts);
  Start();
  ASSERT_TRUE(Published(kAttempts));

  const std::vector<Seen> seen = ReadAll();
  EXPECT_EQ(RecordNumbers(seen).size(), stored);
  EXPECT_EQ(LostNumbers(seen, LossStage::kKernelRing), kAttempts - stored);
  EXPECT_EQ(published(), kAttempts);
  EXPECT_EQ(seen.back().cause, "ring full");
  EXPECT_TRUE(seen.back().has_cpu);
}

TEST_F(RingSourceTest, HowFullTheRingWasIsCounted) {
  for (uint64_t i = 0; i < 5000; ++i) (void)rings().cpu(0).Emit("x");
  Start();
  ASSERT_TRUE(Published(5000));
  const hub::Histogram::Reading fill = log_->ring_fill().Read();
  EXPECT_GE(fill.count(), 2u);  // of each ring
  EXPECT_GE(fill.sum, 0.9);
  EXPECT_EQ(fill.counts.back(), 0u);  // beyond 1
}

// A small log that somebody holds.
class HeldLogTest : public RingSourceTest {
 protected:
  static constexpr uint64_t kAttempts = 4000;
  HeldLogTest() {
    log_ = std::make_unique<hub::Log>(
        hub::LogLimits{.max_bytes = 64 << 10, .segment_bytes = 16 << 10}, use_);
    Start();
    hold_.emplace(*log_, *log_->Seek(hub::StartOldest()));
  }
  ~HeldLogTest() override { hold_.reset(); }

  uint64_t Fill() {
    uint64_t stored = 0;
    const std::string payload(100, 'x');
    for (uint64_t i = 0; i < kAttempts; ++i) stored += rings().cpu(0).Emit(payload) == 0 ? 1 : 0;
    EXPECT_TRUE(Eventually([&] { return log_->Room() == 0; }));
    EXPECT_EQ(log_->extent().evicted_records, 0u);
    EXPECT_LT(stored, kAttempts) << "the ring was full, and lost";
    EXPECT_LT(published(), stored) << "the rest waits in the ring";
    return stored;
  }

  std::optional<hub::LogHold> hold_;
};

TEST_F(HeldLogTest, LeavesRecordsInTheRingAndGoesOnWithTheReader) {
  hub::testing::Follower reader(*log_, hub::StartOldest());
  const uint64_t stored = Fill();
  std::vector<Seen> all;
  EXPECT_TRUE(Eventually([&] {
    for (Seen& seen : reader.ReadAll(4000)) all.push_back(std::move(seen));
    hold_->MoveTo(reader.position());
    return reader.cursor().sequence == kAttempts;
  }));
  EXPECT_EQ(RecordNumbers(all).size(), stored);
  EXPECT_EQ(LostNumbers(all, LossStage::kKernelRing), kAttempts - stored);
  EXPECT_EQ(LostNumbers(all), kAttempts - stored) << "nothing else was lost";
}

TEST_F(HeldLogTest, GoesOnWhenTheReaderVanishes) {
  Fill();
  hold_.reset();
  EXPECT_TRUE(Published(kAttempts));
}

TEST_F(HeldLogTest, MayEndWhileItWaits) {
  Fill();
  Stop();
  hold_.reset();
}

TEST_F(RingSourceTest, ALossThatNoRecordFollowsIsReported) {
  UserRing::Options options;
  options.max_payload_bytes = 64;
  rings_ = std::make_unique<FakeRings>(1, options);
  Start();
  rings().cpu(0).Emit("stored");
  ASSERT_TRUE(Published(1));
  EXPECT_NE(rings().cpu(0).Emit(std::string(65, 'x')), 0);
  ASSERT_TRUE(Published(2));

  const Seen loss = ReadAll().back();
  EXPECT_FALSE(loss.is_record);
  EXPECT_EQ(loss.count, 1u);
  EXPECT_EQ(loss.cause, "record too long");
}

TEST_F(RingSourceTest, ALossReportedAtTheTailIsNotReportedAgainByTheNextRecord) {
  UserRing::Options options;
  options.max_payload_bytes = 64;
  rings_ = std::make_unique<FakeRings>(1, options);
  Start();
  for (uint64_t round = 0; round < 100; ++round) {
    EXPECT_NE(rings().cpu(0).Emit(std::string(65, 'x')), 0);
    if (round % 3 == 0) {
      ASSERT_TRUE(Published(2 * round + 1));
    }
    EXPECT_EQ(rings().cpu(0).Emit("stored"), 0);
  }
  ASSERT_TRUE(Published(200));
  const std::vector<Seen> seen = ReadAll();
  EXPECT_EQ(RecordNumbers(seen).size(), 100u);
  EXPECT_EQ(LostNumbers(seen), 100u);
  EXPECT_EQ(published(), 200u);
}

// A writer that is faster than its reader: it loses once more between the look
// at the counters and the release, fills the ring between the release and the
// wait, and loses at its end what no wake-up tells of.
TEST_F(RingSourceTest, LossesBehindRecordsThatCameBeforeTheWaitAreReported) {
  rings_ = std::make_unique<FakeRings>(1, UserRing::Options{.data_bytes = 4096});
  SignalledRing& ring = rings().cpu(0);
  uint64_t attempts = 0;
  const auto lose = [&](int count) {
    for (int i = 0; i < count; ++attempts) i += ring.Emit("x") == 0 ? 0 : 1;
  };
  class AtPublication final : public hub::Waiter {
   public:
    explicit AtPublication(std::function<void()> task) : task_(std::move(task)) {}
    void Notify() override { task_(); }

   private:
    const std::function<void()> task_;
  } at_publication([&] { lose(5); });
  bool first = true;
  ring.OnCountersRead([&] {
    // Not by Attach(), which reads them, too.
    if (log_->extent().epoch == 0 || !std::exchange(first, false)) return;
    lose(1);
    EXPECT_TRUE(log_->Wait(*log_->Seek(hub::StartNow()), &at_publication));
  });
  lose(1);
  Start({.batch_delay = absl::Milliseconds(1), .batch_records = 1});
  EXPECT_TRUE(loop_.Eventually([&] { return published() == attempts; }));
}

TEST_F(RingSourceTest, ASuccessorGoesOnWithTheNumbers) {
  Start();
  for (int i = 0; i < 100; ++i) rings().cpu(i % 2).Emit(std::to_string(i));
  ASSERT_TRUE(Published(100));
  Stop();
  rings().cpu(0).Emit("while nobody read");
  NewLog();
  Start();
  ASSERT_TRUE(Published(101));

  const std::vector<Seen> seen = ReadAll();
  EXPECT_EQ(seen.back().payload, "while nobody read");
  EXPECT_EQ(seen.back().first, 101u);
  // What only the first log had is no business of the kernel's.
  EXPECT_EQ(LostNumbers(seen, LossStage::kKernelRing), 0u);
}

TEST_F(RingSourceTest, ADeadRingIsReadToItsEndBeforeTheEndIsReported) {
  Start();
  for (int i = 0; i < 300; ++i) rings().cpu(1).Emit("last words");
  rings().MarkAllDead();
  ASSERT_TRUE(Eventually([&] { return ended_.load(); }));
  EXPECT_TRUE(end_.ok()) << end_;
  EXPECT_EQ(published(), 300u);
}

TEST_F(RingSourceTest, DeadRingsMeanTheEndOnlyWhenAllAre) {
  Start();
  rings().cpu(0).MarkDead();
  rings().cpu(1).Emit("still there");
  ASSERT_TRUE(Published(1));
  EXPECT_FALSE(ended_);
  rings().cpu(1).MarkDead();
  EXPECT_TRUE(Eventually([&] { return ended_.load(); }));
}

TEST_F(RingSourceTest, ARingThatLiesEndsTheSourceWithItsReason) {
  Start();
  rings().cpu(0).Emit("good");
  ASSERT_TRUE(Published(1));
  loop_.Run([&] {  // where the source cannot read meanwhile
    rings().cpu(0).Emit("bad");
    constexpr size_t kSecond = sizeof(kchan_record) + 8;
    auto* record = reinterpret_cast<kchan_record*>(rings().cpu(0).ring().data() + kSecond);
    record->length = 12345;
  });
  ASSERT_TRUE(Eventually([&] { return ended_.load(); }));
  EXPECT_TRUE(absl::IsDataLoss(end_)) << end_;
}

TEST_F(RingSourceTest, ACpuThatComesUpIsReadFromThenOn) {
  rings().TakeRing(1);
  Start();
  rings().cpu(0).Emit("zero");
  ASSERT_TRUE(Published(1));
  rings().GiveRing(1);
  rings().cpu(1).Emit("one");
  loop_.Run([&] { source_->RingsAppeared(); });
  ASSERT_TRUE(Published(2));
  EXPECT_EQ(ReadAll().back().payload, "one");
  // Announced twice, attached once.
  loop_.Run([&] { source_->RingsAppeared(); });
  rings().cpu(1).Emit("again");
  ASSERT_TRUE(Published(3));
  EXPECT_FALSE(ended_);
}

TEST_F(RingSourceTest, WithoutAnyRingItCannotBeAttached) {
  rings().TakeRing(0);
  rings().TakeRing(1);
  loop_.Run([&] {
    const auto source =
        RingSource::Attach(loop_.loop(), rings(), "test", /*shared=*/false, RingPace());
    EXPECT_TRUE(absl::IsUnavailable(source.status())) << source.status();
  });
}

TEST_F(RingSourceTest, AHighRateIsReadInBatches) {
  // One CPU, so that the writer and the reader of this test take turns as
  // they please; only the number of wake-ups counts.
  rings_ = std::make_unique<FakeRings>(1, UserRing::Options{.data_bytes = 1 << 20});
  Start();
  constexpr uint64_t kRecords = 10000;
  for (uint64_t i = 0; i < kRecords; ++i) ASSERT_EQ(rings().cpu(0).Emit("some bytes"), 0);
  ASSERT_TRUE(Published(kRecords));
  EXPECT_LT(rings().cpu(0).ring().Counters().wakeups, kRecords / 10);
}

TEST_F(RingSourceTest, AfterABurstASingleRecordIsSeenAtOnce) {
  RingPace pace;
  pace.batch_delay = absl::Milliseconds(20);
  Start(pace);
  for (int i = 0; i < 1000; ++i) rings().cpu(0).Emit("burst");
  ASSERT_TRUE(Published(1000));
  // The timer finds nothing and asks for a wake-up by the next record.
  const auto wakes_for_one = [&] {
    const kchan_consumer_page& page = *rings().cpu(0).ring().consumer();
    return __atomic_load_n(&page.wake_pos, __ATOMIC_ACQUIRE) ==
           __atomic_load_n(&page.consumer_pos, __ATOMIC_ACQUIRE) + 1;
  };
  ASSERT_TRUE(Eventually(wakes_for_one));
  rings().cpu(0).Emit("single");
  EXPECT_TRUE(Published(1001));
}

TEST_F(RingSourceTest, ReadersWhoBearADelayDoNotWakeItForEachRecord) {
  Start();
  const kchan_consumer_page& page = *rings().cpu(0).ring().consumer();
  const auto wakes_behind = [&] { return __atomic_load_n(&page.wake_pos, __ATOMIC_ACQUIRE); };
  const auto consumed = [&] { return __atomic_load_n(&page.consumer_pos, __ATOMIC_ACQUIRE); };
  {
    const hub::Patience::Share patient(log_->patience(), std::chrono::hours(1));
    const hub::Patience::Share more_patient(log_->patience(), std::chrono::hours(2));
    EXPECT_EQ(log_->patience().least(), std::chrono::hours(1));
    rings().cpu(0).Emit("first");
    ASSERT_TRUE(Published(1));
    constexpr uint64_t kBatchBytes = 65536 / 4;
    ASSERT_TRUE(Eventually([&] { return wakes_behind() == consumed() + kBatchBytes; }));
    // So many wake it, long before the hour is over.
    uint64_t records = 1;
    for (const uint64_t end = consumed() + kBatchBytes;
         rings().cpu(0).ring().producer()->producer_pos < end;) {
      ASSERT_EQ(rings().cpu(0).Emit("others"), 0);
      ++records;
    }
    ASSERT_TRUE(Published(records));
    EXPECT_LE(rings().cpu(0).ring().Counters().wakeups, 2u);
  }
  EXPECT_EQ(log_->patience().least(), std::chrono::nanoseconds::zero());
}

TEST_F(RingSourceTest, ABusyRingDoesNotHoldUpAQuietOne) {
  RingPace pace;
  pace.turn_bytes = 512;  // of 65536
  for (int i = 0; i < 1000; ++i) rings().cpu(0).Emit("busy");
  rings().cpu(1).Emit("quiet");
  Start(pace);
  ASSERT_TRUE(Published(1001));
  const std::vector<Seen> seen = ReadAll();
  for (size_t i = 0; i < seen.size(); ++i) {
    if (seen[i].payload == "quiet") {
      EXPECT_LT(i, 50u);
    }
  }
}

}  // namespace
}  // namespace kchan::testing
