// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_KERNEL_GUEST_SLEEPER_H_
#define KCHAN_TESTS_KERNEL_GUEST_SLEEPER_H_

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "testbed.h"

namespace kchan::guest {

// A thread that is expected to sleep in read(2), and what the kernel says of
// it from outside.
//
// Thread safety: none. Lifetime: the destructor waits for the thread to end.
class Sleeper {
 public:
  explicit Sleeper(std::function<void()> body)
      : thread_([this, body = std::move(body)] {
          tid_ = static_cast<pid_t>(syscall(SYS_gettid));
          body();
          ended_ = true;
        }) {}
  ~Sleeper() { thread_.join(); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  // False: it did not fall asleep in read() within ten seconds.
  bool WaitAsleep() const {
    return Eventually([this] { return InRead(); });
  }
  bool WaitEnded() const {
    return Eventually([this] { return ended_.load(); });
  }
  bool ended() const { return ended_; }

  // How often it has gone to sleep: the same again means that nothing woke it.
  uint64_t Sleeps() const {
    std::ifstream status(Path("status"));
    std::string word;
    while (status >> word) {
      uint64_t count;
      if (word == "voluntary_ctxt_switches:" && status >> count) return count;
    }
    return 0;
  }
  void Signal(int number) { pthread_kill(thread_.native_handle(), number); }

 private:
  std::string Path(const char* name) const {
    return "/proc/self/task/" + std::to_string(tid_) + "/" + name;
  }
  // Of a thread that runs it says "running".
  bool InRead() const {
    std::ifstream file(Path("syscall"));
    long number = -1;
    return tid_ != 0 && file >> number && number == SYS_read;
  }

  std::atomic<pid_t> tid_ = 0;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

}  // namespace kchan::guest

#endif  // KCHAN_TESTS_KERNEL_GUEST_SLEEPER_H_
