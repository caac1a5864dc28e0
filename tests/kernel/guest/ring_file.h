// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_KERNEL_GUEST_RING_FILE_H_
#define KCHAN_TESTS_KERNEL_GUEST_RING_FILE_H_

#include <fcntl.h>
#include <linux/kchan.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace kchan::guest {

// One mapping of /dev/kchan, unmapped at the end of its life.
class Mapping {
 public:
  Mapping() = default;
  Mapping(int fd, size_t page, size_t pages, int protection, int flags = MAP_SHARED)
      : bytes_(pages * PageBytes()) {
    address_ = mmap(nullptr, bytes_, protection, flags, fd, off_t(page * PageBytes()));
    error_ = address_ == MAP_FAILED ? errno : 0;
  }
  ~Mapping() { Unmap(); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  void Unmap() {
    if (error_ == 0) munmap(address_, bytes_);
    error_ = EBADF;
  }

  // It was moved over another, whose it is now.
  void Forget() { error_ = EBADF; }

  static size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

  int error() const { return error_; }
  char* at(size_t offset = 0) const { return static_cast<char*>(address_) + offset; }
  size_t bytes() const { return bytes_; }

 private:
  void* address_ = MAP_FAILED;
  size_t bytes_ = 0;
  int error_ = EBADF;
};

// An open /dev/kchan. Nothing is checked and nothing is hidden: tests are to
// see what the kernel does with each step.
class RingFile {
 public:
  explicit RingFile(int flags = O_RDWR) : fd_(open("/dev/kchan", flags | O_CLOEXEC)) {}
  ~RingFile() { Close(); }
  RingFile(const RingFile&) = delete;
  RingFile& operator=(const RingFile&) = delete;

  static kchan_attach Request(const std::string& channel, uint32_t cpu) {
    kchan_attach request{};
    request.abi_major = KCHAN_ABI_MAJOR;
    request.abi_minor = KCHAN_ABI_MINOR;
    request.cpu = cpu;
    std::strncpy(request.channel, channel.c_str(), sizeof(request.channel) - 1);
    return request;
  }

  // All return a positive errno or 0.
  int Attach(kchan_attach* request) { return ioctl(fd_, KCHAN_IOC_ATTACH, request) ? errno : 0; }
  int Attach(const std::string& channel, uint32_t cpu = KCHAN_CPU_SHARED) {
    kchan_attach request = Request(channel, cpu);
    const int error = Attach(&request);
    if (error == 0) attached_ = request;
    return error;
  }
  int ReadCounters(kchan_ring_counters* counters) const {
    return ioctl(fd_, KCHAN_IOC_COUNTERS, counters) ? errno : 0;
  }
  kchan_ring_counters Counters() const {
    kchan_ring_counters counters{};
    ReadCounters(&counters);
    return counters;
  }
  short Poll(int timeout_ms = 0) const {
    pollfd polled{.fd = fd_, .events = POLLIN | POLLPRI, .revents = 0};
    poll(&polled, 1, timeout_ms);
    return polled.revents;
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  int fd() const { return fd_; }
  uint64_t generation() const { return attached_.generation; }
  uint64_t data_bytes() const { return attached_.data_bytes; }
  size_t data_pages() const { return attached_.data_bytes / Mapping::PageBytes(); }

 private:
  int fd_;
  kchan_attach attached_{};
};

}  // namespace kchan::guest

#endif  // KCHAN_TESTS_KERNEL_GUEST_RING_FILE_H_
