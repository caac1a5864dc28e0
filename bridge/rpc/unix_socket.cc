// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/unix_socket.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace kchan::rpc {
namespace {

absl::Status Errno(int error, const std::string& what) { return absl::ErrnoToStatus(error, what); }

absl::Status CheckFolder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
    return Errno(errno, absl::StrCat("folder ", folder, " of the socket: cannot be made"));
  }
  struct stat stat {};
  if (lstat(folder.c_str(), &stat) != 0) return Errno(errno, absl::StrCat("folder ", folder));
  if (!S_ISDIR(stat.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(folder, " is not a folder"));
  }
  const bool is_ours = stat.st_uid == 0 || stat.st_uid == geteuid();
  const bool others_write = (stat.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  const bool is_sticky = (stat.st_mode & S_ISVTX) != 0;
  if (!is_ours || (others_write && !is_sticky)) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "folder %s: others could replace the socket in it (owner %d, mode %04o): it must belong "
        "to root or to this user, and be writable by no one else",
        folder, stat.st_uid, stat.st_mode & 07777));
  }
  return absl::OkStatus();
}

// A socket that nobody listens on is in nobody's way.
absl::Status ClearPath(const std::string& path) {
  struct stat stat {};
  if (lstat(path.c_str(), &stat) != 0) {
    return errno == ENOENT ? absl::OkStatus() : Errno(errno, path);
  }
  if (!S_ISSOCK(stat.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " exists and is not a socket: remove it, or listen elsewhere"));
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return Errno(errno, "socket");
  const int result = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = result == 0 ? 0 : errno;
  close(fd);
  if (error == ECONNREFUSED) {
    return unlink(path.c_str()) == 0 || errno == ENOENT ? absl::OkStatus() : Errno(errno, path);
  }
  if (error == 0 || error == EAGAIN) {
    return absl::AlreadyExistsError(
        absl::StrCat(path, ": somebody listens there: is another kchand running?"));
  }
  return Errno(error, path);
}

absl::Status SetGroup(const UnixListener& listener) {
  if (listener.group.empty()) return absl::OkStatus();
  group entry{};
  group* found = nullptr;
  std::vector<char> buffer(1 << 16);
  const int error =
      getgrnam_r(listener.group.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) {
    return error != 0 ? Errno(error, absl::StrCat("group ", listener.group))
                      : absl::NotFoundError(
                            absl::StrCat("group ", listener.group, " of socket ", listener.path,
                                         " does not exist: groupadd --system ", listener.group));
  }
  if (chown(listener.path.c_str(), static_cast<uid_t>(-1), entry.gr_gid) != 0) {
    return Errno(errno, absl::StrCat("socket ", listener.path, ": group ", listener.group,
                                     " (kchand must be in it, or have CAP_CHOWN)"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckUnixPath(const UnixListener& listener) {
  if (listener.path.empty() || listener.path[0] != '/' ||
      listener.path.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("socket path '", listener.path,
                                                   "' must be absolute and shorter than ",
                                                   sizeof(sockaddr_un::sun_path), " bytes"));
  }
  return absl::OkStatus();
}

absl::Status PrepareUnixSocket(const UnixListener& listener) {
  absl::Status status = CheckFolder(std::filesystem::path(listener.path).parent_path());
  return status.ok() ? ClearPath(listener.path) : status;
}

absl::Status GrantUnixSocket(const UnixListener& listener) {
  // Group first: with the mode first the old group could connect meanwhile.
  if (absl::Status status = SetGroup(listener); !status.ok()) return status;
  if (chmod(listener.path.c_str(), listener.mode) != 0) {
    return Errno(errno, absl::StrFormat("socket %s: mode %04o", listener.path, listener.mode));
  }
  return absl::OkStatus();
}

// Only others' rights: it is the process' umask, and a folder that another
// thread makes meanwhile has to be one that kchand can enter.
PrivateUmask::PrivateUmask() : before_(umask(0077)) {}
PrivateUmask::~PrivateUmask() { umask(before_); }

}  // namespace kchan::rpc
