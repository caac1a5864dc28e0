// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_KERNEL_GUEST_VALUE_TESTING_H_
#define KCHAN_TESTS_KERNEL_GUEST_VALUE_TESTING_H_

#include <fcntl.h>
#include <linux/kchan.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "ring_file.h"
#include "testbed.h"

namespace kchan::guest {

// The words of the channels of kmod/tests/kchan_testbed_value.c.
enum Word : uint32_t {
  kFirst = 0,
  kFourth = 3,
  kLevel = 4,
  kLimit = 5,
  kMoving = 6,
  kAsked = 7,
  kWords = 8,
};

// What the module is to do with them.
enum class Operation : uint32_t { kSet = 0, kAdd = 1, kCompareAndSwap = 2, kFill = 3 };

enum class Values : uint32_t { kFree = 0, kSpin = 1, kMutex = 2 };

inline std::string NameOf(Values values) {
  constexpr const char* kNames[] = {"test.value.free", "test.value.spin", "test.value.mutex"};
  return kNames[static_cast<uint32_t>(values)];
}

struct Change {
  Values channel = Values::kFree;
  Operation operation = Operation::kSet;
  uint32_t word = 0;
  uint32_t in_hardirq = 0;
  uint64_t operand = 0;
  uint64_t expected = 0;
  uint64_t count = 1;
};

// The module's own change, on this thread's CPU, done before this returns. A
// positive errno or 0.
inline int ModuleChanges(GenlSocket& socket, const Change& change) {
  return socket
      .Do(KCHAN_CMD_SEND, Attributes()
                              .String(KCHAN_A_CHANNEL_NAME, "test.value.command")
                              .U16(KCHAN_A_RECORD_TYPE, 1)
                              .Put(KCHAN_A_PAYLOAD, &change, sizeof(change)))
      .error;
}

// A file that is attached to a VALUE channel. All return a positive errno or 0.
class ValueFile : public RingFile {
 public:
  int Read(kchan_value_read* all) const {
    return ioctl(fd(), KCHAN_IOC_VALUE_READ, all) ? errno : 0;
  }
  kchan_value_read Read() const {
    kchan_value_read all{};
    Read(&all);
    return all;
  }
  int Change(kchan_value_change* change) const {
    return ioctl(fd(), KCHAN_IOC_VALUE_CHANGE, change) ? errno : 0;
  }
  int Set(uint32_t word, uint64_t operand) const {
    kchan_value_change change{};
    change.word = word;
    change.operation = KCHAN_VALUE_SET;
    change.operand = operand;
    return Change(&change);
  }
  int Add(uint32_t word, uint64_t operand) const {
    kchan_value_change change{};
    change.word = word;
    change.operation = KCHAN_VALUE_ADD;
    change.operand = operand;
    return Change(&change);
  }
};

// What a reader of the mapped page does.
inline kchan_value_read ReadPage(const kchan_value_page* page) {
  kchan_value_read all{};
  uint64_t version;
  do {
    version = __atomic_load_n(&page->version, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < KCHAN_MAX_WORDS; i++) {
      all.words[i] = __atomic_load_n(&page->words[i], __ATOMIC_RELAXED);
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
  } while (version % 2 != 0 || __atomic_load_n(&page->version, __ATOMIC_RELAXED) != version);
  all.version = version;
  all.word_count = page->word_count;
  return all;
}

// An attribute of /sys/class/kchan/<channel>/values.
class ValueAttribute {
 public:
  ValueAttribute(const std::string& channel, const std::string& field, int flags = O_RDONLY)
      : fd_(open(("/sys/class/kchan/" + channel + "/values/" + field).c_str(), flags | O_CLOEXEC)),
        error_(fd_ < 0 ? errno : 0) {}
  ~ValueAttribute() {
    if (fd_ >= 0) close(fd_);
  }
  ValueAttribute(const ValueAttribute&) = delete;
  ValueAttribute& operator=(const ValueAttribute&) = delete;

  int error() const { return error_; }
  int fd() const { return fd_; }
  // Without the newline; empty if it cannot be read.
  std::string Read() const {
    char text[64];
    const ssize_t length = pread(fd_, text, sizeof(text), 0);
    return length > 0 ? std::string(text, static_cast<size_t>(length) - 1) : "";
  }
  int Write(const std::string& text) const {
    return pwrite(fd_, text.data(), text.size(), 0) < 0 ? errno : 0;
  }
  short Poll(int timeout_ms = 0) const {
    pollfd polled{.fd = fd_, .events = POLLPRI, .revents = 0};
    poll(&polled, 1, timeout_ms);
    return polled.revents;
  }

 private:
  const int fd_;
  const int error_;
};

}  // namespace kchan::guest

#endif  // KCHAN_TESTS_KERNEL_GUEST_VALUE_TESTING_H_
