// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_KERNEL_GUEST_TESTBED_H_
#define KCHAN_TESTS_KERNEL_GUEST_TESTBED_H_

#include <linux/kchan.h>
#include <sched.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "genl_socket.h"
#include "modules.h"

namespace kchan::guest {

// The channels of kmod/tests/kchan_testbed.c and what they understand.
enum class Form : uint32_t { kEmit = 0, kCommit = 1, kDiscard = 2, kHardirq = 3 };

constexpr uint16_t kWriteType = 1;
constexpr uint16_t kWrittenType = 2;

struct Write {
  uint32_t count = 1;
  uint32_t length = 8;
  Form form = Form::kEmit;
};

// Has the channel's module write records, on this thread's CPU, before it
// returns. A positive errno (the first that a record met) or 0.
inline int WriteRecords(GenlSocket& socket, const std::string& channel, const Write& write) {
  return socket
      .Do(KCHAN_CMD_SEND, Attributes()
                              .String(KCHAN_A_CHANNEL_NAME, channel)
                              .U16(KCHAN_A_RECORD_TYPE, kWriteType)
                              .Put(KCHAN_A_PAYLOAD, &write, sizeof(write)))
      .error;
}

// What a record of `length` bytes takes in a ring.
constexpr uint64_t RecordBytes(uint64_t length) {
  return (sizeof(kchan_record) + length + KCHAN_RECORD_ALIGN - 1) / KCHAN_RECORD_ALIGN *
         KCHAN_RECORD_ALIGN;
}

inline Attributes Named(const std::string& channel) {
  return Attributes().String(KCHAN_A_CHANNEL_NAME, channel);
}

inline Attributes Param(const std::string& name, uint64_t value) {
  return Attributes().String(KCHAN_PARAM_A_NAME, name).U64(KCHAN_PARAM_A_VALUE, value);
}

// The channel's attributes now; empty ones if there is no such channel.
inline Parsed GetChannel(GenlSocket& socket, const std::string& channel) {
  Answer answer = socket.Do(KCHAN_CMD_CHANNEL_GET, Named(channel));
  return answer.messages.empty() ? Parsed() : answer.messages[0].attributes;
}

inline uint32_t StateOf(GenlSocket& socket, const std::string& channel) {
  return GetChannel(socket, channel).U32(KCHAN_A_STATE);
}

// True once `condition` is; false after ten seconds without.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

inline void PinToCpu(int cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  sched_setaffinity(0, sizeof(cpus), &cpus);
}

}  // namespace kchan::guest

#endif  // KCHAN_TESTS_KERNEL_GUEST_TESTBED_H_
