// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_KERNEL_GUEST_KERNEL_FILE_H_
#define KCHAN_TESTS_KERNEL_GUEST_KERNEL_FILE_H_

#include <fcntl.h>
#include <linux/kchan.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>

#include "ring_file.h"

namespace kchan::guest {

// The holder's or a writer's end of a FILE channel: a file of /dev/kchan.
// Nothing is checked; all return a positive errno or 0.
class Holder : public RingFile {
 public:
  int Hand(kchan_file_hand* hand) { return ioctl(fd(), KCHAN_IOC_FILE_HAND, hand) ? errno : 0; }

  // Binds it as a writer's, which hands over commands only.
  int AttachWriter(const std::string& channel) {
    kchan_attach request = Request(channel, KCHAN_CPU_SHARED);
    request.role = KCHAN_ROLE_WRITER;
    return RingFile::Attach(&request);
  }

  // The kernel is to write to this descriptor, which may be closed after it.
  int Output(int output, kchan_file_hand* told = nullptr, kchan_file_sync sync = KCHAN_SYNC_NONE,
             uint64_t sync_bytes = 0) {
    kchan_file_hand hand{};
    hand.fd = output;
    hand.role = KCHAN_FILE_OUTPUT;
    hand.sync = sync;
    hand.sync_bytes = sync_bytes;
    const int error = Hand(&hand);
    if (told != nullptr) *told = hand;
    return error;
  }
  int Output(const std::string& path, kchan_file_hand* told = nullptr,
             kchan_file_sync sync = KCHAN_SYNC_NONE, uint64_t sync_bytes = 0) {
    const int output = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const int error = output < 0 ? errno : Output(output, told, sync, sync_bytes);
    close(output);
    return error;
  }
  // The same for a new file that may get `max_bytes` long.
  int OutputUpTo(const std::string& path, uint64_t max_bytes) {
    const int output = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    kchan_file_hand hand{};
    hand.fd = output;
    hand.role = KCHAN_FILE_OUTPUT;
    hand.max_bytes = max_bytes;
    const int error = output < 0 ? errno : Hand(&hand);
    close(output);
    return error;
  }
  int Commands(int commands, kchan_file_hand* told) {
    *told = {};
    told->fd = commands;
    told->role = KCHAN_FILE_COMMANDS;
    return Hand(told);
  }

  kchan_file_status Status() const {
    kchan_file_status status{};
    ioctl(fd(), KCHAN_IOC_FILE_STATUS, &status);
    return status;
  }
};

inline std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// A file system in memory of its own, as small as a test wants it.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& size) {
    mkdir(kFolder, 0700);
    error_ = mount("tmpfs", kFolder, "tmpfs", 0, ("size=" + size).c_str()) ? errno : 0;
  }
  // What is still open keeps it alive, unseen.
  ~SmallDisk() { umount2(kFolder, MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  int Resize(const std::string& size) {
    return mount("tmpfs", kFolder, "tmpfs", MS_REMOUNT, ("size=" + size).c_str()) ? errno : 0;
  }
  int MakeReadOnly() {
    return mount("tmpfs", kFolder, "tmpfs", MS_REMOUNT | MS_RDONLY, "") ? errno : 0;
  }
  static std::string Path(const std::string& name) { return std::string(kFolder) + "/" + name; }
  int error() const { return error_; }

 private:
  static constexpr char kFolder[] = "/tmp/small_disk";
  int error_;
};

}  // namespace kchan::guest

#endif  // KCHAN_TESTS_KERNEL_GUEST_KERNEL_FILE_H_
