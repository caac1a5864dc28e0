// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_COMPONENT_CUT_TAPE_H_
#define KCHAN_TESTS_COMPONENT_CUT_TAPE_H_

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace kchan::testing {

// What the test writes under a number.
inline std::string PayloadOf(uint64_t sequence) {
  return "record " + std::to_string(sequence * 0x9e3779b97f4a7c15);
}

// FNV-1a; neither of the two below.
inline uint64_t ChecksumOf(std::string_view bytes) {
  uint64_t sum = 0xcbf29ce484222325;
  for (const char byte : bytes) sum = (sum ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  return sum | 2;
}
inline constexpr uint64_t kNothing = 0;
inline constexpr uint64_t kLost = 1;

// A file in memory that two processes share: what a client has had under each
// number, and how far it has come. What was stored before a SIGKILL stays.
//
// Thread safety: one process writes, others may read.
class CutTape {
 public:
  static constexpr uint64_t kNumbers = 1 << 20;

  explicit CutTape(const std::string& path) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(Contents)) != 0) Fail(path);
    void* const at = mmap(nullptr, sizeof(Contents), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) Fail(path);
    close(fd);
    contents_ = static_cast<Contents*>(at);
  }
  ~CutTape() { munmap(contents_, sizeof(Contents)); }
  CutTape(const CutTape&) = delete;
  CutTape& operator=(const CutTape&) = delete;

  // Everything up to here is done with.
  uint64_t reached() const { return contents_->reached.load(std::memory_order_acquire); }
  void SetReached(uint64_t sequence) {
    contents_->reached.store(sequence, std::memory_order_release);
  }
  uint64_t at(uint64_t sequence) const { return contents_->numbers[sequence].load(); }
  void Set(uint64_t sequence, uint64_t what) { contents_->numbers[sequence].store(what); }

 private:
  struct Contents {
    std::atomic<uint64_t> reached;
    std::atomic<uint64_t> numbers[kNumbers];
  };

  [[noreturn]] static void Fail(const std::string& path) {
    std::perror(path.c_str());
    std::abort();
  }

  Contents* contents_;
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_COMPONENT_CUT_TAPE_H_
