// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_KERNEL_GUEST_HOLD_TESTING_H_
#define KCHAN_TESTS_KERNEL_GUEST_HOLD_TESTING_H_

#include <gtest/gtest.h>
#include <linux/kchan.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <functional>
#include <string>

#include "testbed.h"
#include "value_testing.h"

namespace kchan::guest {

// The words of test.hold.told, and the orders that the other channels of
// kmod/tests/kchan_testbed_hold.c take.
enum class Told : uint32_t { kHeld, kKilled, kWriters, kInterrupted, kCounted, kBlocks };

struct Order {
  enum What : uint32_t { kCount, kHold, kHoldAdmission, kWrite, kRefuse };
  What what = kCount;
  uint32_t refusal = 0;
};

constexpr uint16_t kOrderType = 1;
constexpr char kRefusal[] =
    "refused as it asked, with so many words that a place for eighty of them is not enough";

inline Answer Send(GenlSocket& socket, const std::string& channel, const Order& order) {
  return socket.Do(KCHAN_CMD_SEND, Named(channel)
                                       .U16(KCHAN_A_RECORD_TYPE, kOrderType)
                                       .Put(KCHAN_A_PAYLOAD, &order, sizeof(order)));
}

// A process of its own, to be killed.
//
// Thread safety: none. Lifetime: the destructor waits for its end.
class Child {
 public:
  explicit Child(const std::function<void()>& body) : pid_(fork()) {
    if (pid_ != 0) return;
    body();
    _exit(0);
  }
  ~Child() {
    if (pid_ > 0) Kill();
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void Kill() const { kill(pid_, SIGKILL); }

  // Asleep where no signal but the last reaches it, in this system call (any,
  // if none is named). False: not within ten seconds.
  bool WaitAsleep(long call = -1) const {
    return Eventually([&] { return State() == 'D' && (call < 0 || Call() == call); });
  }

  // True: it has been killed. False: it still lives after ten seconds, or has
  // ended by itself.
  bool WaitKilled() {
    int status = 0;
    if (!Eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; })) return false;
    pid_ = -1;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }
  // It is there, killed or not.
  bool Lives() const { return waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  char State() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
    std::string line;
    std::getline(file, line);
    const size_t end = line.rfind(") ");
    return end == std::string::npos ? '?' : line[end + 2];
  }
  // Of a process that runs the file says "running".
  long Call() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/syscall");
    long number = -1;
    return file >> number ? number : -1;
  }

  pid_t pid_;
};

// The channels, whose gate is shut at first, and what they tell.
class HoldTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(testbed_.error, 0);
    ASSERT_EQ(told_.Attach("test.hold.told"), 0);
  }
  // Before the module can go nobody may be held by it.
  void TearDown() override { Open(); }

  void Open() {
    EXPECT_EQ(socket_
                  .Do(KCHAN_CMD_CHANNEL_SET,
                      Named("test.hold.told").Nest(KCHAN_A_PARAM, Param("open", 1)))
                  .error,
              0);
  }
  uint64_t Tells(Told word) const { return told_.Read().words[static_cast<uint32_t>(word)]; }
  bool WaitTold(Told word, uint64_t value) const {
    return Eventually([&] { return Tells(word) == value; });
  }

  ScopedModule testbed_{"kchan_testbed_hold"};
  GenlSocket socket_;
  ValueFile told_;
};

}  // namespace kchan::guest

#endif  // KCHAN_TESTS_KERNEL_GUEST_HOLD_TESTING_H_
