// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_SOURCE_SOURCE_TESTING_H_
#define KCHAN_TESTS_UNIT_SOURCE_SOURCE_TESTING_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "bridge/source/event_loop.h"
#include "bridge/source/ring_opener.h"
#include "tests/unit/ring/user_ring.h"

namespace kchan::testing {

// A loop that runs on a thread of its own until the destructor.
class LoopThread {
 public:
  LoopThread();
  ~LoopThread();

  source::EventLoop& loop() { return *loop_; }
  // Runs `task` there and waits for it.
  void Run(std::function<void()> task);
  // testing::Eventually(), looking at `condition` there.
  bool Eventually(const std::function<bool()>& condition);

 private:
  const std::unique_ptr<source::EventLoop> loop_;
  std::thread thread_;
};

// Looks again and again until it is true, for ten seconds. False: never was.
bool Eventually(const std::function<bool()>& condition);

// A ring of the user-space ring core behind a file that signals as the
// kernel's does: EPOLLIN, and EPOLLPRI for losses. Edge-triggered only.
class SignalledRing {
 public:
  explicit SignalledRing(const UserRing::Options& options);
  ~SignalledRing();

  UserRing& ring() { return *ring_; }
  // Plays the ring's CPU. Returns what kchan_ring_emit() does.
  int Emit(std::string_view payload, uint16_t type = 1);
  // No record follows; wakes the reader.
  void MarkDead();
  // Called, on the reader's thread, each time it has read the counters. Before
  // Map().
  void OnCountersRead(std::function<void()> task) { on_counters_read_ = std::move(task); }
  // For its reader; this outlives it.
  std::unique_ptr<source::MappedRing> Map();

 private:
  class View;
  void Signal();

  std::unique_ptr<UserRing> ring_;
  int reader_fd_ = -1;
  int kernel_fd_ = -1;
  std::function<void()> on_counters_read_ = [] {};
};

// A channel with a ring for each of some CPUs.
class FakeRings final : public source::RingOpener {
 public:
  explicit FakeRings(uint32_t cpus, UserRing::Options options = {});

  SignalledRing& cpu(uint32_t cpu) { return *rings_.at(cpu); }
  // From now on this CPU exists but has no ring.
  void TakeRing(uint32_t cpu) { offline_[cpu] = true; }
  void GiveRing(uint32_t cpu) { offline_[cpu] = false; }
  void MarkAllDead();

  std::vector<uint32_t> PossibleCpus() const override;
  absl::StatusOr<std::unique_ptr<source::MappedRing>> Open(const std::string& channel,
                                                           uint32_t cpu) override;

 private:
  std::map<uint32_t, std::unique_ptr<SignalledRing>> rings_;
  std::map<uint32_t, bool> offline_;
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_UNIT_SOURCE_SOURCE_TESTING_H_
