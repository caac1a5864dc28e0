// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>
#include <utility>

namespace kchan::spool {
namespace {

constexpr int kOpen = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
// Not for everybody: records may say what nobody else may read.
constexpr mode_t kFileMode = 0600;
constexpr mode_t kFolderMode = 0700;

int OrErrno(int result) { return result >= 0 ? result : -errno; }

uint64_t ToNs(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// Takes `written` bytes off the front of `parts`.
void Advance(std::vector<iovec>& parts, size_t written) {
  size_t done = 0;
  while (done < parts.size() && written >= parts[done].iov_len) written -= parts[done++].iov_len;
  parts.erase(parts.begin(), parts.begin() + static_cast<ptrdiff_t>(done));
  if (parts.empty()) return;
  parts.front().iov_base = static_cast<char*>(parts.front().iov_base) + written;
  parts.front().iov_len -= written;
}

}  // namespace

int Files::Create(const std::string& path) {
  return OrErrno(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | kOpen, kFileMode));
}

int Files::Open(const std::string& path) {
  return OrErrno(open(path.c_str(), O_RDONLY | O_NONBLOCK | kOpen));
}

int Files::OpenToRepair(const std::string& path) {
  return OrErrno(open(path.c_str(), O_RDWR | O_NONBLOCK | kOpen));
}

void Files::Close(int fd) { close(fd); }

int Files::Write(int fd, std::span<const iovec> parts, uint64_t offset) {
  std::vector<iovec> left(parts.begin(), parts.end());
  while (!left.empty()) {
    const int count = static_cast<int>(std::min<size_t>(left.size(), IOV_MAX));
    const ssize_t written = pwritev(fd, left.data(), count, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -errno;
    if (written == 0) return -ENOSPC;
    offset += static_cast<uint64_t>(written);
    Advance(left, static_cast<size_t>(written));
  }
  return 0;
}

int64_t Files::Read(int fd, std::span<std::byte> to, uint64_t offset) {
  size_t done = 0;
  while (done < to.size()) {
    const ssize_t got =
        pread(fd, to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return static_cast<int64_t>(done);
}

int64_t Files::Size(int fd) {
  struct stat status = {};
  if (fstat(fd, &status) < 0) return -errno;
  return S_ISREG(status.st_mode) ? static_cast<int64_t>(status.st_size) : -EINVAL;
}

int Files::Truncate(int fd, uint64_t bytes) {
  return OrErrno(ftruncate(fd, static_cast<off_t>(bytes)));
}

int Files::Sync(int fd) { return OrErrno(fdatasync(fd)); }

int Files::Rename(const std::string& from, const std::string& to) {
  return OrErrno(rename(from.c_str(), to.c_str()));
}

int Files::Remove(const std::string& path) { return OrErrno(unlink(path.c_str())); }

int Files::MakeFolder(const std::string& path) {
  if (mkdir(path.c_str(), kFolderMode) == 0 || errno == EEXIST) return 0;
  return -errno;
}

int Files::SyncFolder(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  const int result = OrErrno(fsync(fd));
  close(fd);
  return result;
}

int Files::List(const std::string& path, std::vector<FoundFile>& found) {
  DIR* folder = opendir(path.c_str());
  if (folder == nullptr) return -errno;
  while (const dirent* entry = readdir(folder)) {
    struct stat status = {};
    if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0) continue;
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) continue;
    found.push_back({.name = entry->d_name,
                     .bytes = static_cast<uint64_t>(status.st_size),
                     .written_ns = ToNs(status.st_mtim),
                     .is_folder = S_ISDIR(status.st_mode)});
  }
  closedir(folder);
  return 0;
}

int Files::Lock(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | kOpen, kFileMode);
  if (fd < 0) return -errno;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  const int error = errno;
  close(fd);
  return -error;
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : files_(other.files_), fd_(std::exchange(other.fd_, -1)) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  Reset();
  files_ = other.files_;
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

void OpenFile::Reset() {
  if (fd_ >= 0) files_->Close(fd_);
  fd_ = -1;
}

uint64_t UnixNs() {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return ToNs(now);
}

}  // namespace kchan::spool
