// SPDX-License-Identifier: Apache-2.0
// User space to kernel through memory: what the doorbell takes, in which order,
// and what a hostile writer cannot do.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ring_writer.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

class DoorbellTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(testbed_->error, 0) << std::strerror(testbed_->error);
    ASSERT_EQ(taken_.Attach(), 0);
  }

  std::unique_ptr<ScopedModule> testbed_ = std::make_unique<ScopedModule>("kchan_testbed_doorbell");
  GenlSocket socket_;
  TakenReader taken_;
};

TEST_F(DoorbellTest, RecordsArriveInOrderWithTheirStatuses) {
  RingWriter writer;
  ASSERT_EQ(writer.error(), 0);
  writer.AddNote(1);
  writer.AddNote(2, {.refusal = EDOM});
  writer.AddNote(3, {.payload_bytes = 1000});
  writer.AddHeader({.length = 12, .type = kTakenType});  // not one for the kernel
  writer.AddHeader({.length = 4, .type = kNoteType});    // shorter than its fixed part
  writer.AddNote(6);

  ASSERT_EQ(writer.Ring(), 0);
  EXPECT_EQ(writer.statuses(), (std::vector<int>{0, -EDOM, 0, -EINVAL, -EINVAL, 0}));
  EXPECT_EQ(writer.text(), "refused as it asked");
  EXPECT_EQ(writer.tail(), writer.head());
  EXPECT_EQ(taken_.Numbers(), (std::vector<uint64_t>{1, 2, 3, 6}));
}

// Like a command by netlink, a record needs no reader of what comes out.
TEST_F(DoorbellTest, IdleChannelTakesRecordsAndStaysIdle) {
  taken_.Close();
  testbed_.reset();
  testbed_ = std::make_unique<ScopedModule>("kchan_testbed_doorbell");
  RingWriter writer;
  ASSERT_EQ(writer.error(), 0);
  writer.AddNote(1);
  EXPECT_EQ(writer.Ring(), 0);
  EXPECT_EQ(writer.statuses(), std::vector<int>{0});
  EXPECT_EQ(StateOf(socket_, "test.doorbell"), KCHAN_STATE_IDLE);
}

TEST_F(DoorbellTest, MaxRecordsAndDiscardedOnes) {
  RingWriter writer;
  for (uint64_t number = 1; number <= 5; number++) writer.AddNote(number);
  writer.AddNote(6, {.discard = true});
  writer.AddNote(7);
  ASSERT_EQ(writer.Ring({.max_records = 3}), 0);
  EXPECT_EQ(writer.statuses().size(), 3u);
  EXPECT_LT(writer.tail(), writer.head());
  ASSERT_EQ(writer.Ring({.max_records = 100}), 0);
  EXPECT_EQ(writer.statuses().size(), 3u) << "a discarded record has no status";
  EXPECT_EQ(writer.tail(), writer.head());
  EXPECT_EQ(taken_.Numbers(), (std::vector<uint64_t>{1, 2, 3, 4, 5, 7}));
  for (const uint32_t max : {0u, KCHAN_MAX_DOORBELL_RECORDS + 1}) {
    EXPECT_EQ(writer.Ring({.max_records = max}), EINVAL) << max;
  }
}

TEST_F(DoorbellTest, RecordsRunOverTheEndAndArriveWhole) {
  RingWriter writer({.data_bytes = KCHAN_MIN_RING_BYTES});
  ASSERT_EQ(writer.error(), 0);
  uint32_t sum = 0;
  for (uint64_t number = 1; number <= 100; number++) {  // some six laps
    sum = writer.AddNote(number, {.payload_bytes = uint32_t(900 + number)});
    ASSERT_EQ(writer.Ring(), 0);
    ASSERT_EQ(writer.statuses(), std::vector<int>{0});
    ASSERT_EQ(taken_.Last().checksum, sum) << number;
  }
  EXPECT_GT(writer.tail(), 5 * writer.data_bytes());
}

TEST_F(DoorbellTest, SizesAreChecked) {
  EXPECT_EQ(RingWriter().data_bytes(), 256u << 10);
  EXPECT_EQ(RingWriter({.data_bytes = 32 << 10}).data_bytes(), 32u << 10);
  for (const uint64_t bytes :
       {uint64_t{1}, uint64_t{4096}, uint64_t{48 << 10}, uint64_t{1} << 40}) {
    EXPECT_EQ(RingWriter({.data_bytes = bytes}).error(), EINVAL) << bytes;
  }
  EXPECT_EQ(RingWriter({.cpu = 0}).error(), ENXIO);
  EXPECT_EQ(RingWriter({.channel = "test.nothing"}).error(), ENOENT);
  // Together within the channel's budget, 1 MiB.
  RingWriter first({.data_bytes = 512 << 10});
  EXPECT_EQ(first.error(), 0);
  {
    RingWriter second({.data_bytes = 512 << 10});
    EXPECT_EQ(second.error(), 0);
    EXPECT_EQ(RingWriter({.data_bytes = 16 << 10}).error(), E2BIG);
  }
  EXPECT_EQ(RingWriter({.data_bytes = 512 << 10}).error(), 0);
  std::vector<std::unique_ptr<RingWriter>> many;
  first.Close();
  for (uint32_t i = 0; i < KCHAN_MAX_RING_WRITERS; i++) {
    many.push_back(std::make_unique<RingWriter>(RingWriter::Options{.data_bytes = 16 << 10}));
    ASSERT_EQ(many.back()->error(), 0) << i;
  }
  EXPECT_NE(RingWriter({.data_bytes = 16 << 10}).error(), 0);
}

// ---- Lies -----------------------------------------------------------------------

TEST_F(DoorbellTest, HeadBehindOrAheadIsRefused) {
  RingWriter writer;
  writer.AddNote(1);
  ASSERT_EQ(writer.Ring(), 0);
  const uint64_t tail = writer.tail();
  for (const uint64_t head : {tail - 8, uint64_t{0}, tail + writer.data_bytes() + 8, tail + 4,
                              ~uint64_t{0}, uint64_t{1} << 63}) {
    EXPECT_EQ(writer.Ring({.head = head}), EINVAL) << head;
    EXPECT_EQ(writer.tail(), tail) << head;
  }
  writer.AddNote(2);
  EXPECT_EQ(writer.Ring(), 0);
  EXPECT_EQ(taken_.Numbers(), (std::vector<uint64_t>{1, 2}));
}

// It ends at the record, and stays there; the statuses before it are true.
TEST_F(DoorbellTest, WhatCannotBeARecordStopsTheFile) {
  const RingWriter::Header impossible[] = {
      {.length = 4097, .type = kNoteType},  // beyond the channel's longest
      {.length = KCHAN_RECORD_LENGTH_MASK, .type = kNoteType},
      {.length = 12, .type = kNoteType, .flags = 1},
      {.length = 4000, .type = kNoteType, .claimed = 24},  // passes head
  };
  for (const RingWriter::Header& header : impossible) {
    RingWriter writer;
    writer.AddNote(1);
    writer.AddNote(2, {.refusal = EDOM});
    const uint64_t there = writer.head();
    writer.AddHeader(header);
    EXPECT_EQ(writer.Ring(), EBADMSG);
    EXPECT_EQ(writer.statuses(), (std::vector<int>{0, -EDOM}));
    EXPECT_EQ(writer.tail(), there);
    EXPECT_EQ(writer.Ring(), EBADMSG);
    EXPECT_EQ(writer.tail(), there);
  }
  RingWriter writer;
  EXPECT_EQ(writer.Ring({.head = 8}), EBADMSG) << "less than a header";
}

TEST_F(DoorbellTest, BadPointersAreFaults) {
  RingWriter writer;
  writer.AddNote(1);
  EXPECT_EQ(ioctl(writer.fd(), KCHAN_IOC_DOORBELL, nullptr), -1);
  EXPECT_EQ(errno, EFAULT);
  EXPECT_EQ(writer.Ring({.text = reinterpret_cast<char*>(8)}), EFAULT);
  EXPECT_EQ(writer.tail(), 0u) << "nothing was taken";
  EXPECT_EQ(writer.Ring({.bad_statuses = true}), EFAULT);
  EXPECT_EQ(writer.tail(), writer.head()) << "taken, but nobody could be told";
  EXPECT_EQ(taken_.Numbers(), std::vector<uint64_t>{1});
}

// The area changes under the kernel's hands; what it hands over does not.
TEST_F(DoorbellTest, ForgerDuringADoorbellChangesNothingThatWasChecked) {
  RingWriter writer({.data_bytes = KCHAN_MIN_RING_BYTES});
  ASSERT_EQ(writer.error(), 0);
  std::atomic<bool> stop = false;
  std::thread forger([&] {
    uint32_t seed = 1;
    while (!stop) {
      for (size_t at = 0; at < writer.data_bytes() && !stop; at += 4) {
        seed = seed * 1664525 + 1013904223;
        const uint32_t lies[] = {seed, 4000, ~0u, 64, 0x80000010u, 12};
        __atomic_store_n(reinterpret_cast<uint32_t*>(writer.data() + at), lies[seed >> 29 & 3],
                         __ATOMIC_RELAXED);
      }
    }
  });
  uint64_t taken = 0;
  for (int i = 0; i < 300; i++) {
    RingWriter::Ringing ringing{.head = writer.tail() + writer.data_bytes(), .max_records = 50};
    const int error = writer.Ring(ringing);
    for (const int status : writer.statuses()) {
      EXPECT_NE(status, -EIO) << "a payload changed after it was handed over";
    }
    taken += writer.statuses().size();
    if (error == EBADMSG) {
      ASSERT_EQ(writer.Reopen(), 0);
    } else {
      ASSERT_EQ(error, 0);
    }
  }
  stop = true;
  forger.join();
  EXPECT_GT(taken, 0u) << "nothing was ever read as a record";
}

// ---- Several at once --------------------------------------------------------------

TEST_F(DoorbellTest, DoorbellsOfOneFileComeOneAfterTheOther) {
  RingWriter writer;
  for (uint64_t number = 1; number <= 200; number++) writer.AddNote(number);
  std::atomic<uint64_t> statuses = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&] {
      for (;;) {
        std::vector<int32_t> into(7);
        kchan_doorbell bell{};
        bell.head = writer.head();
        bell.statuses = reinterpret_cast<uint64_t>(into.data());
        bell.max_records = 7;
        if (ioctl(writer.fd(), KCHAN_IOC_DOORBELL, &bell) != 0) return;
        statuses += bell.count;
        if (bell.tail == bell.head) return;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(statuses, 200u) << "each record was taken once";
  std::vector<uint64_t> expected;
  for (uint64_t number = 1; number <= 200; number++) expected.push_back(number);
  EXPECT_EQ(taken_.Numbers(), expected);
}

TEST_F(DoorbellTest, WritersDoNotKnowOfEachOther) {
  RingWriter first, second;
  first.AddNote(1);
  second.AddHeader({.length = 4097, .type = kNoteType});
  EXPECT_EQ(second.Ring(), EBADMSG);
  EXPECT_EQ(first.Ring(), 0);
  EXPECT_EQ(first.statuses(), std::vector<int>{0});
}

// ---- Ends ---------------------------------------------------------------------------

TEST_F(DoorbellTest, KilledSenderLetsGoOfTheCallback) {
  const pid_t child = fork();
  if (child == 0) {
    RingWriter writer;
    writer.AddHeader({.length = 8, .type = kHoldType});
    writer.AddNote(2);
    writer.Ring();
    _exit(0);
  }
  EXPECT_TRUE(Eventually([&] { return taken_.Numbers().size() == 1; })) << "it is held";
  EXPECT_EQ(kill(child, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(taken_.Numbers().size(), 1u) << "nothing more was taken";
}

TEST_F(DoorbellTest, UnloadWaitsForTheCallbackAndThenEndsTheDoorbell) {
  RingWriter writer;
  ASSERT_EQ(writer.error(), 0);
  std::atomic<int> error = -1;
  std::thread sender([&] {
    do {
      for (uint64_t number = 1; number <= 100; number++) writer.AddNote(number);
      error = writer.Ring({.max_records = 4096});
    } while (error == 0);
  });
  EXPECT_TRUE(Eventually([&] { return taken_.file().Counters().records > 50; }));
  taken_.Close();
  testbed_.reset();
  sender.join();
  EXPECT_EQ(error, ESHUTDOWN);
  EXPECT_EQ(writer.Ring(), ESHUTDOWN);
  EXPECT_EQ(writer.Poll(), POLLHUP);
}

TEST_F(DoorbellTest, PollSaysWritableUntilItIsDead) {
  RingWriter writer;
  EXPECT_EQ(writer.Poll(), POLLOUT);
  std::atomic<short> events = 0;
  std::thread sleeper([&] { events = writer.PollForEnd(10'000); });
  taken_.Close();
  testbed_.reset();
  sleeper.join();
  EXPECT_EQ(events, POLLHUP);
}

// ---- The mapping ----------------------------------------------------------------------

TEST_F(DoorbellTest, MappingIsWholeSharedAndNeverExecutable) {
  RingWriter writer;
  const size_t pages = writer.data_bytes() / Mapping::PageBytes();
  const int rw = PROT_READ | PROT_WRITE;
  EXPECT_EQ(Mapping(writer.fd(), 0, pages, rw).error(), 0);
  EXPECT_EQ(Mapping(writer.fd(), 0, 2 * pages, rw).error(), 0);
  EXPECT_EQ(Mapping(writer.fd(), 0, 2 * pages + 1, rw).error(), EINVAL);
  EXPECT_EQ(Mapping(writer.fd(), 0, 1, rw).error(), EINVAL);
  EXPECT_EQ(Mapping(writer.fd(), pages, pages, rw).error(), EINVAL);
  EXPECT_EQ(Mapping(writer.fd(), 0, pages, rw, MAP_PRIVATE).error(), EINVAL);
  EXPECT_EQ(Mapping(writer.fd(), 0, pages, PROT_READ | PROT_EXEC).error(), EPERM);
  EXPECT_EQ(mprotect(writer.data(), 2 * writer.data_bytes(), rw | PROT_EXEC), -1);
  EXPECT_EQ(munmap(writer.data(), Mapping::PageBytes()), -1) << "a mapping is not split";
}

TEST_F(DoorbellTest, DontneedLosesNothing) {
  RingWriter writer;
  const uint32_t sum = writer.AddNote(1, {.payload_bytes = 500});
  ASSERT_EQ(madvise(writer.data(), 2 * writer.data_bytes(), MADV_DONTNEED), 0);
  ASSERT_EQ(writer.Ring(), 0);
  EXPECT_EQ(taken_.Last().checksum, sum);
}

TEST_F(DoorbellTest, ChildMayRingWhatItInheritedAndTheAreaOutlivesTheParent) {
  auto writer = std::make_unique<RingWriter>();
  ASSERT_EQ(madvise(writer->data(), 2 * writer->data_bytes(), MADV_DOFORK), 0);
  const pid_t child = fork();
  if (child == 0) {
    writer->AddNote(7);
    _exit(writer->Ring() == 0 && writer->statuses() == std::vector<int>{0} ? 0 : 1);
  }
  writer.reset();
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
  EXPECT_EQ(taken_.Numbers(), std::vector<uint64_t>{7});
}

TEST_F(DoorbellTest, ChannelThatOnlySpeaksHasNoWriters) {
  ScopedModule hello("kchan_hello");
  ASSERT_EQ(hello.error, 0);
  EXPECT_EQ(RingWriter({.channel = "hello"}).error(), EOPNOTSUPP);
}

}  // namespace
}  // namespace kchan::guest
