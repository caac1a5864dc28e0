// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/module_blocks.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bridge/source/unique_fd.h"

namespace kchan::source {
namespace {

// Whatever the block size: O_DIRECT wants memory aligned to it, and a page is
// the largest.
constexpr size_t kAlignment = 4096;

absl::Status OpenError(const std::string& what, const std::string& path, int error) {
  const std::string text = absl::StrCat(what, ": open ", path, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(
          absl::StrCat(text, ": the node is not in this /dev: give the container the host's /dev"));
    case ENXIO:
    case ENODEV:
      return absl::UnavailableError(absl::StrCat(text, ": the device went away"));
    case EROFS:
      return absl::PermissionDeniedError(absl::StrCat(what, ": it is read-only"));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(
          absl::StrCat(text, ": run as a member of the group kchan, or check the device cgroup"));
    default:
      return absl::ErrnoToStatus(error, text);
  }
}

// "major:minor" of the disk that the kernel has under this name; empty: none.
std::string DiskNumber(const std::string& sysfs_path, const std::string& disk) {
  std::string number;
  std::ifstream file(absl::StrCat(sysfs_path, "/block/", disk, "/dev"));
  std::getline(file, number);
  return number;
}

// A disk whose last name is gone is dead: what fails then fails for that.
absl::Status TransferError(const std::string& what, int fd, int error) {
  uint64_t bytes = 0;
  const bool gone =
      error == ENXIO || error == ENODEV || (ioctl(fd, BLKGETSIZE64, &bytes) == 0 && bytes == 0);
  if (gone) return absl::UnavailableError(absl::StrCat(what, ": the device went away"));
  // EIO is what a disk says that dies while it works.
  if (error == EIO) return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(error)));
  if (error == EPERM || error == EROFS || error == EBADF) {
    return absl::PermissionDeniedError(absl::StrCat(what, ": it is read-only"));
  }
  return absl::ErrnoToStatus(error, what);
}

class Disk {
 public:
  static absl::StatusOr<Disk> Open(const hub::ChannelDescription& channel,
                                   const std::string& sysfs_path, int access);

  // All of `bytes`, by pread() or pwrite().
  template <typename Transfer>
  absl::Status Move(Transfer transfer, std::byte* bytes, size_t size, uint64_t offset) const {
    while (size != 0) {
      const ssize_t done = transfer(fd_.get(), bytes, size, static_cast<off_t>(offset));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return TransferError(what_, fd_.get(), errno);
      // Not beyond the end: that was checked. So the disk has shrunk to nothing.
      if (done == 0) return absl::UnavailableError(absl::StrCat(what_, ": the device went away"));
      bytes += done;
      size -= static_cast<size_t>(done);
      offset += static_cast<uint64_t>(done);
    }
    return absl::OkStatus();
  }
  absl::Status Flush() const {
    return fsync(fd_.get()) == 0 ? absl::OkStatus() : TransferError(what_, fd_.get(), errno);
  }

 private:
  Disk(UniqueFd fd, std::string what) : fd_(std::move(fd)), what_(std::move(what)) {}

  UniqueFd fd_;
  std::string what_;
};

absl::StatusOr<Disk> Disk::Open(const hub::ChannelDescription& channel,
                                const std::string& sysfs_path, int access) {
  const std::string what = absl::StrCat("channel ", channel.name);
  if (!channel.block || channel.path.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(what, " is not one of blocks"));
  }
  const std::string disk = channel.path.substr(channel.path.rfind('/') + 1);
  const std::string number = DiskNumber(sysfs_path, disk);
  if (number.empty()) {
    return absl::UnavailableError(
        absl::StrCat(what, ": the kernel has no disk ", disk, ": the device went away"));
  }
  UniqueFd fd(open(channel.path.c_str(), access | O_DIRECT | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return OpenError(what, channel.path, errno);
  struct stat node = {};
  if (fstat(fd.get(), &node) != 0 || !S_ISBLK(node.st_mode) ||
      absl::StrCat(major(node.st_rdev), ":", minor(node.st_rdev)) != number) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, ": ", channel.path, " is not the disk ", number,
                     " that the kernel has under this name: remove that node"));
  }
  uint64_t bytes = 0;
  if (ioctl(fd.get(), BLKGETSIZE64, &bytes) != 0 || bytes != channel.block->capacity_bytes) {
    return absl::UnavailableError(absl::StrCat(what, ": its disk has ", bytes,
                                               " bytes, not those of the channel: it was "
                                               "replaced or went away"));
  }
  return Disk(std::move(fd), what);
}

struct Free {
  void operator()(std::byte* bytes) const { std::free(bytes); }
};
using AlignedBytes = std::unique_ptr<std::byte, Free>;

AlignedBytes Allocate(size_t size) {
  const size_t rounded = (size + kAlignment - 1) / kAlignment * kAlignment;
  return AlignedBytes(static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded)));
}

}  // namespace

absl::Status ModuleBlocks::Read(const hub::ChannelDescription& channel, uint64_t offset,
                                std::span<std::byte> to) const {
  const auto disk = Disk::Open(channel, sysfs_path_, O_RDONLY);
  if (!disk.ok()) return disk.status();
  const AlignedBytes bytes = Allocate(to.size());
  const absl::Status status = disk->Move(pread, bytes.get(), to.size(), offset);
  if (status.ok()) std::copy_n(bytes.get(), to.size(), to.begin());
  return status;
}

absl::Status ModuleBlocks::Write(const hub::ChannelDescription& channel, uint64_t offset,
                                 std::span<const std::byte> from) const {
  if (channel.block && channel.block->read_only) {
    return absl::PermissionDeniedError(absl::StrCat("channel ", channel.name, ": it is read-only"));
  }
  const auto disk = Disk::Open(channel, sysfs_path_, O_RDWR);
  if (!disk.ok()) return disk.status();
  const AlignedBytes bytes = Allocate(from.size());
  std::copy(from.begin(), from.end(), bytes.get());
  return disk->Move(pwrite, bytes.get(), from.size(), offset);
}

absl::Status ModuleBlocks::Flush(const hub::ChannelDescription& channel) const {
  const auto disk = Disk::Open(channel, sysfs_path_, O_RDONLY);
  return disk.ok() ? disk->Flush() : disk.status();
}

}  // namespace kchan::source
