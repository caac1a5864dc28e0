// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/source/source_testing.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ring.h"

namespace kchan::testing {

LoopThread::LoopThread()
    : loop_(source::EventLoop::Create().value()), thread_([this] { loop_->Run(); }) {}

LoopThread::~LoopThread() {
  loop_->Stop();
  thread_.join();
}

void LoopThread::Run(std::function<void()> task) {
  std::promise<void> done;
  loop_->Post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

bool LoopThread::Eventually(const std::function<bool()>& condition) {
  return testing::Eventually([&] {
    bool holds = false;
    Run([&] { holds = condition(); });
    return holds;
  });
}

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// The ring's own view, but for the file.
class SignalledRing::View final : public source::MappedRing {
 public:
  View(std::unique_ptr<source::MappedRing> ring, int fd, std::function<void()> on_counters_read)
      : ring_(std::move(ring)), fd_(fd), on_counters_read_(std::move(on_counters_read)) {}

  const source::RingMemory& memory() const override { return ring_->memory(); }
  absl::StatusOr<kchan_ring_counters> ReadCounters() const override {
    auto counters = ring_->ReadCounters();
    on_counters_read_();
    return counters;
  }
  int fd() const override { return fd_; }

 private:
  const std::unique_ptr<source::MappedRing> ring_;
  const int fd_;
  const std::function<void()> on_counters_read_;
};

SignalledRing::SignalledRing(const UserRing::Options& options) : ring_(UserRing::Create(options)) {
  int fds[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  reader_fd_ = fds[0];
  kernel_fd_ = fds[1];
}

SignalledRing::~SignalledRing() {
  close(reader_fd_);
  close(kernel_fd_);
}

std::unique_ptr<source::MappedRing> SignalledRing::Map() {
  return std::make_unique<View>(ring_->Map(), reader_fd_, on_counters_read_);
}

int SignalledRing::Emit(std::string_view payload, uint16_t type) {
  const int result =
      kchan_ring_emit(ring_->core(), type, payload.data(), static_cast<uint32_t>(payload.size()));
  Signal();
  return result;
}

void SignalledRing::MarkDead() {
  ring_->MarkDead();
  Signal();
}

// What the kernel's irq_work and poll do together.
void SignalledRing::Signal() {
  if (!ring_->WaitForWake(0)) return;
  ring_->ClearWake();
  // Nobody reads the file: what it signalled before is over.
  char over[64];
  while (recv(reader_fd_, over, sizeof(over), 0) > 0) {
  }
  const uint32_t mask = kchan_ring_poll_mask(ring_->core());
  if (mask & (KCHAN_RING_READABLE | KCHAN_RING_DEAD)) {
    EXPECT_EQ(send(kernel_fd_, "r", 1, 0), 1);
  }
  if (mask & KCHAN_RING_LOST) {
    EXPECT_EQ(send(kernel_fd_, "l", 1, MSG_OOB), 1) << "this kernel's AF_UNIX has no EPOLLPRI";
  }
}

FakeRings::FakeRings(uint32_t cpus, UserRing::Options options) {
  for (uint32_t cpu = 0; cpu < cpus; ++cpu) {
    options.cpu = cpu;
    rings_[cpu] = std::make_unique<SignalledRing>(options);
  }
}

void FakeRings::MarkAllDead() {
  for (auto& [cpu, ring] : rings_) ring->MarkDead();
}

std::vector<uint32_t> FakeRings::PossibleCpus() const {
  std::vector<uint32_t> cpus;
  for (const auto& [cpu, ring] : rings_) cpus.push_back(cpu);
  return cpus;
}

absl::StatusOr<std::unique_ptr<source::MappedRing>> FakeRings::Open(const std::string& channel,
                                                                    uint32_t cpu) {
  const auto found = rings_.find(cpu);
  if (found == rings_.end() || offline_[cpu]) {
    return absl::OutOfRangeError(absl::StrCat("channel ", channel, " has no ring of CPU ", cpu));
  }
  return found->second->Map();
}

}  // namespace kchan::testing
