// SPDX-License-Identifier: Apache-2.0
// Readers of a CHARDEV channel that wait, several at once, and what ends that:
// a record, a signal, the module going, the core being quiesced.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/epoll.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "chardev_file.h"
#include "sleeper.h"

namespace kchan::guest {
namespace {

constexpr char kChannel[] = "test.chardev";

class ChardevWaitTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(testbed_->error, 0) << std::strerror(testbed_->error); }

  std::unique_ptr<ScopedModule> testbed_ = std::make_unique<ScopedModule>("kchan_testbed");
  GenlSocket socket_;
};

// One blocking read of a node in a thread of its own.
struct Reading {
  explicit Reading(const ChardevFile& file) : sleeper([&] { payload = file.Read(&result); }) {}

  ssize_t result = 0;
  std::string payload;
  Sleeper sleeper;
};

TEST_F(ChardevWaitTest, ReaderSleepsUntilThereIsARecord) {
  const ChardevFile node = ChardevFile::Node(kChannel);
  Reading reading(node);
  ASSERT_TRUE(reading.sleeper.WaitAsleep());
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.form = Form::kHardirq}), 0);
  ASSERT_TRUE(reading.sleeper.WaitEnded());
  EXPECT_EQ(CounterOf(reading.payload), 1u);
}

TEST_F(ChardevWaitTest, LongestWaiterIsFirstAndTheOthersSleepOn) {
  const ChardevFile node = ChardevFile::Node(kChannel);
  std::vector<std::unique_ptr<Reading>> readings;
  for (int i = 0; i < 4; i++) {
    readings.push_back(std::make_unique<Reading>(node));
    ASSERT_TRUE(readings.back()->sleeper.WaitAsleep());
  }
  for (size_t first = 0; first < readings.size(); first++) {
    std::vector<uint64_t> sleeps;
    for (const auto& reading : readings) sleeps.push_back(reading->sleeper.Sleeps());
    ASSERT_EQ(WriteRecords(socket_, kChannel, {}), 0);
    ASSERT_TRUE(readings[first]->sleeper.WaitEnded());
    EXPECT_EQ(CounterOf(readings[first]->payload), first + 1);
    for (size_t i = first + 1; i < readings.size(); i++) {
      EXPECT_FALSE(readings[i]->sleeper.ended());
      EXPECT_EQ(readings[i]->sleeper.Sleeps(), sleeps[i]) << i << " was woken for nothing";
    }
  }
}

// Who waits goes before who comes, also while the record is on its way.
TEST_F(ChardevWaitTest, NewcomerDoesNotOvertake) {
  const ChardevFile node = ChardevFile::Node(kChannel);
  const ChardevFile hasty = ChardevFile::Node(kChannel, O_RDONLY | O_NONBLOCK);
  for (uint64_t i = 1; i <= 200; i++) {
    Reading reading(node);
    ASSERT_TRUE(reading.sleeper.WaitAsleep());
    ASSERT_EQ(WriteRecords(socket_, kChannel, {}), 0);
    ssize_t result;
    hasty.Read(&result);
    EXPECT_EQ(result, -EAGAIN);
    ASSERT_TRUE(reading.sleeper.WaitEnded());
    EXPECT_EQ(CounterOf(reading.payload), i);
  }
}

TEST_F(ChardevWaitTest, EachRecordGoesToExactlyOneReader) {
  constexpr int kReaders = 4;
  constexpr uint64_t kBursts = 40, kRecords = 500;
  std::mutex lock;
  std::vector<uint64_t> all;
  {
    std::vector<std::unique_ptr<Sleeper>> readers;
    for (int i = 0; i < kReaders; i++) {
      // Half of them by the node, half by frames.
      auto file = std::make_shared<ChardevFile>(i % 2 ? ChardevFile::Attached(kChannel)
                                                      : ChardevFile::Node(kChannel));
      ASSERT_EQ(file->error(), 0);
      readers.push_back(std::make_unique<Sleeper>([&, file, framed = i % 2] {
        std::vector<uint64_t> mine;
        ssize_t result;
        for (;;) {
          const std::string bytes = file->Read(&result, 1024);
          if (result <= 0) break;
          if (!framed) mine.push_back(CounterOf(bytes));
          for (const Frame& frame : framed ? ParseFrames(bytes) : std::vector<Frame>()) {
            if (frame.header.type == KCHAN_FRAME_LOST) continue;
            EXPECT_EQ(CounterOf(frame.payload), frame.header.sequence);
            mine.push_back(frame.header.sequence);
          }
        }
        EXPECT_EQ(result, 0) << "the end of the file";
        EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
        const std::lock_guard held(lock);
        all.insert(all.end(), mine.begin(), mine.end());
      }));
    }
    for (uint64_t burst = 0; burst < kBursts; burst++) {
      WriteRecords(socket_, kChannel, {.count = kRecords});
    }
    testbed_.reset();  // what was written can still be read, then they end
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << "read twice";
  ASSERT_FALSE(all.empty());
  EXPECT_LE(all.back(), kBursts * kRecords);
  // The dead channel's counters are gone with it, so a bound must do for the
  // losses: the first burst fitted.
  EXPECT_GE(all.size(), kRecords);
  EXPECT_EQ(all[kRecords - 1], kRecords);
}

// ---- What ends waiting ------------------------------------------------------

TEST_F(ChardevWaitTest, SignalEndsAWaitingRead) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR1, &action, nullptr);
  const ChardevFile node = ChardevFile::Node(kChannel);
  {
    // The one that has the turn, and one that waits for it.
    Reading first(node), second(node);
    ASSERT_TRUE(first.sleeper.WaitAsleep());
    ASSERT_TRUE(second.sleeper.WaitAsleep());
    second.sleeper.Signal(SIGUSR1);
    ASSERT_TRUE(second.sleeper.WaitEnded());
    EXPECT_EQ(second.result, -EINTR);
    first.sleeper.Signal(SIGUSR1);
    ASSERT_TRUE(first.sleeper.WaitEnded());
    EXPECT_EQ(first.result, -EINTR);
  }
  // Neither took a record or the turn with it.
  ASSERT_EQ(WriteRecords(socket_, kChannel, {}), 0);
  ssize_t result;
  EXPECT_EQ(CounterOf(node.Read(&result)), 1u);
}

TEST_F(ChardevWaitTest, RestartedReadGoesOnWaiting) {
  struct sigaction action {};
  static std::atomic<int> signals = 0;
  signals = 0;
  action.sa_handler = [](int) { signals++; };
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
  const ChardevFile node = ChardevFile::Node(kChannel);
  Reading reading(node);
  ASSERT_TRUE(reading.sleeper.WaitAsleep());
  reading.sleeper.Signal(SIGUSR1);
  ASSERT_TRUE(Eventually([] { return signals == 1; }));
  ASSERT_TRUE(reading.sleeper.WaitAsleep());
  ASSERT_EQ(WriteRecords(socket_, kChannel, {}), 0);
  ASSERT_TRUE(reading.sleeper.WaitEnded());
  EXPECT_EQ(CounterOf(reading.payload), 1u);
}

TEST_F(ChardevWaitTest, ModuleUnloadsUnderWaitingReaders) {
  const ChardevFile node = ChardevFile::Node(kChannel);
  const ChardevFile attached = ChardevFile::Attached(kChannel);
  {
    Reading first(node), second(node), third(attached);
    for (const Reading* reading : {&first, &second, &third}) {
      ASSERT_TRUE(reading->sleeper.WaitAsleep());
    }
    testbed_.reset();
    for (const Reading* reading : {&first, &second, &third}) {
      EXPECT_TRUE(reading->sleeper.WaitEnded());
      EXPECT_EQ(reading->result, 0);
    }
  }
  EXPECT_EQ(node.Poll(), POLLHUP);
  EXPECT_EQ(node.Command({}), -ESHUTDOWN);
  EXPECT_EQ(attached.Write(CommandFrame({})), -ESHUTDOWN);
  EXPECT_EQ(ChardevFile::Node(kChannel).error(), ENOENT);

  // The same name again is another channel; the old files stay dead.
  testbed_ = std::make_unique<ScopedModule>("kchan_testbed");
  const ChardevFile again = ChardevFile::Node(kChannel);
  ASSERT_EQ(again.error(), 0);
  EXPECT_EQ(again.Poll(), POLLOUT);
  EXPECT_EQ(node.Poll(), POLLHUP);
}

TEST_F(ChardevWaitTest, WhatWasWrittenIsReadBeforeTheEnd) {
  const ChardevFile node = ChardevFile::Node(kChannel);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 2}), 0);
  testbed_.reset();
  EXPECT_EQ(node.Poll(), POLLIN | POLLHUP);
  ssize_t result;
  EXPECT_EQ(CounterOf(node.Read(&result)), 1u);
  EXPECT_EQ(CounterOf(node.Read(&result)), 2u);
  node.Read(&result);
  EXPECT_EQ(result, 0);
  node.Read(&result);
  EXPECT_EQ(result, 0);
}

TEST_F(ChardevWaitTest, NodesAreOpenedWhileTheModuleComesAndGoes) {
  std::atomic<bool> stop = false;
  std::atomic<int> opened = 0;
  const auto opens = [&] {
    while (!stop) {
      const ChardevFile node = ChardevFile::Node(kChannel, O_RDWR | O_NONBLOCK);
      if (node.error() == 0) {
        opened++;
        ssize_t result;
        node.Command({.count = 3});
        node.Read(&result);
      } else {
        // ENXIO: the node is found, and gone when it is opened.
        EXPECT_TRUE(node.error() == ENOENT || node.error() == ENXIO || node.error() == ESHUTDOWN)
            << std::strerror(node.error());
      }
    }
  };
  std::thread first(opens), second(opens);
  for (int i = 0; i < 30; i++) {
    const int before = opened;
    EXPECT_TRUE(Eventually([&] { return opened > before; }));
    testbed_.reset();
    testbed_ = std::make_unique<ScopedModule>("kchan_testbed");
    EXPECT_EQ(testbed_->error, 0) << std::strerror(testbed_->error);
  }
  stop = true;
  first.join();
  second.join();
}

// ---- Polling ----------------------------------------------------------------

// A reader that is told once per change must not be left with a record.
TEST_F(ChardevWaitTest, EdgeTriggeredPollersGetEverything) {
  constexpr uint64_t kRecords = 20'000;
  std::atomic<uint64_t> received = 0;
  {
    std::vector<std::unique_ptr<Sleeper>> pollers;
    for (int i = 0; i < 3; i++) {
      auto file = std::make_shared<ChardevFile>(ChardevFile::Node(kChannel, O_RDONLY | O_NONBLOCK));
      pollers.push_back(std::make_unique<Sleeper>([&, file] {
        const int epoll = epoll_create1(EPOLL_CLOEXEC);
        epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, file->fd(), &event);
        while (epoll_wait(epoll, &event, 1, 10'000) == 1 && !(event.events & EPOLLHUP)) {
          ssize_t result;
          while (file->Read(&result), result > 0) received++;
        }
        close(epoll);
      }));
    }
    for (uint64_t sent = 0; sent < kRecords; sent += 50) {
      ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 50}), 0);
      ASSERT_TRUE(Eventually([&] { return received == sent + 50; })) << received << " of " << sent;
    }
    testbed_.reset();
  }
  EXPECT_EQ(received, kRecords);
}

// ---- The core ---------------------------------------------------------------

TEST_F(ChardevWaitTest, CoreLetsGoAfterQuiesce) {
  ASSERT_EQ(UnloadModule("kchan_sources"), 0);
  {
    auto node = std::make_unique<ChardevFile>(ChardevFile::Node(kChannel));
    {
      Reading reading(*node);
      ASSERT_TRUE(reading.sleeper.WaitAsleep());
      ASSERT_EQ(socket_.Do(KCHAN_CMD_QUIESCE).error, 0);
      ASSERT_TRUE(reading.sleeper.WaitEnded());
      EXPECT_EQ(reading.result, 0);
    }
    EXPECT_EQ(ChardevFile::Node(kChannel).error(), ESHUTDOWN);
    EXPECT_EQ(ChardevFile::Node(kChannel, O_WRONLY).error(), ESHUTDOWN);
    EXPECT_EQ(ChardevFile::Attached(kChannel).error(), ESHUTDOWN);
    testbed_.reset();
    EXPECT_EQ(UnloadModule("kchan"), EAGAIN) << "a node's file is open";
    node.reset();
  }
  EXPECT_EQ(UnloadModule("kchan"), 0);
  EXPECT_EQ(LoadModule("kchan"), 0);
  EXPECT_EQ(LoadModule("kchan_sources"), 0);
}

}  // namespace
}  // namespace kchan::guest
