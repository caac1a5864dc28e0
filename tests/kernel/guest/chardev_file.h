// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_KERNEL_GUEST_CHARDEV_FILE_H_
#define KCHAN_TESTS_KERNEL_GUEST_CHARDEV_FILE_H_

#include <fcntl.h>
#include <linux/kchan.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "ring_file.h"
#include "testbed.h"

namespace kchan::guest {

struct Frame {
  kchan_frame header{};
  std::string payload;
};

// What a frame takes, for a payload of `length` bytes.
constexpr size_t FrameBytes(size_t length) {
  return sizeof(kchan_frame) +
         (length + KCHAN_RECORD_ALIGN - 1) / KCHAN_RECORD_ALIGN * KCHAN_RECORD_ALIGN;
}

// One command to the testbed, as a frame that user space writes.
inline std::string CommandFrame(const Write& write, uint16_t type = kWriteType) {
  kchan_frame header{};
  header.magic = KCHAN_FRAME_MAGIC;
  header.length = sizeof(write);
  header.type = type;
  std::string frame(FrameBytes(sizeof(write)), '\0');
  std::memcpy(frame.data(), &header, sizeof(header));
  std::memcpy(frame.data() + sizeof(header), &write, sizeof(write));
  return frame;
}

// The number that the testbed has put into a record.
inline uint64_t CounterOf(std::string_view payload) {
  uint64_t counter = 0;
  if (payload.size() >= sizeof(counter)) std::memcpy(&counter, payload.data(), sizeof(counter));
  return counter;
}

// The frames of one read(); empty if they are not whole or their padding is
// not zero.
inline std::vector<Frame> ParseFrames(std::string_view bytes) {
  std::vector<Frame> frames;
  while (!bytes.empty()) {
    Frame frame;
    if (bytes.size() < sizeof(frame.header)) return {};
    std::memcpy(&frame.header, bytes.data(), sizeof(frame.header));
    const size_t end = sizeof(frame.header) + frame.header.length;
    const size_t whole = FrameBytes(frame.header.length);
    if (frame.header.magic != KCHAN_FRAME_MAGIC || bytes.size() < whole) return {};
    frame.payload = bytes.substr(sizeof(frame.header), frame.header.length);
    for (size_t i = end; i < whole; i++) {
      if (bytes[i] != '\0') return {};
    }
    bytes.remove_prefix(whole);
    frames.push_back(std::move(frame));
  }
  return frames;
}

// A file of a CHARDEV channel, by its node or attached.
class ChardevFile {
 public:
  static ChardevFile Node(const std::string& channel, int flags = O_RDWR) {
    return ChardevFile(("/dev/" KCHAN_NODE_PREFIX + channel).c_str(), flags);
  }
  static ChardevFile Attached(const std::string& channel, int flags = O_RDWR) {
    ChardevFile file("/dev/kchan", flags);
    file.request_ = RingFile::Request(channel, KCHAN_CPU_SHARED);
    if (file.fd_ >= 0 && ioctl(file.fd_, KCHAN_IOC_ATTACH, &file.request_) != 0) {
      file.error_ = errno;
    }
    return file;
  }
  ~ChardevFile() { Close(); }
  ChardevFile(ChardevFile&& other) noexcept
      : fd_(other.fd_), error_(other.error_), request_(other.request_) {
    other.fd_ = -1;
  }
  ChardevFile& operator=(ChardevFile&&) = delete;
  ChardevFile(const ChardevFile&) = delete;
  ChardevFile& operator=(const ChardevFile&) = delete;

  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  // What one read() gives; a negative errno in *error, or the count.
  std::string Read(ssize_t* result, size_t bytes = 64 << 10) const {
    std::string buffer(bytes, '\0');
    *result = read(fd_, buffer.data(), bytes);
    if (*result < 0) *result = -errno;
    buffer.resize(*result > 0 ? static_cast<size_t>(*result) : 0);
    return buffer;
  }
  // The number of bytes, or a negative errno.
  ssize_t Write(std::string_view bytes) const {
    const ssize_t result = write(fd_, bytes.data(), bytes.size());
    return result < 0 ? -errno : result;
  }
  ssize_t Command(const guest::Write& command) const {
    return Write(std::string_view(reinterpret_cast<const char*>(&command), sizeof(command)));
  }
  // Waits until there is something to read. False: nothing came in ten seconds.
  bool WaitReadable() const { return Poll(POLLIN, 10'000) & POLLIN; }
  short Poll(short events = POLLIN | POLLOUT, int timeout_ms = 0) const {
    pollfd polled{.fd = fd_, .events = events, .revents = 0};
    poll(&polled, 1, timeout_ms);
    return polled.revents;
  }

  int fd() const { return fd_; }
  int error() const { return error_; }  // a positive errno of open or attach
  const kchan_attach& attached() const { return request_; }

 private:
  ChardevFile(const char* path, int flags)
      : fd_(open(path, flags | O_CLOEXEC)), error_(fd_ < 0 ? errno : 0) {}

  int fd_;
  int error_;
  kchan_attach request_{};
};

}  // namespace kchan::guest

#endif  // KCHAN_TESTS_KERNEL_GUEST_CHARDEV_FILE_H_
