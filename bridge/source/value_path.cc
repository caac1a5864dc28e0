// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/value_path.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/kernel_messages.h"

namespace kchan::source {
namespace {

absl::Status Bad(const std::string& path, const char* why) {
  return absl::InvalidArgumentError(absl::StrCat("file ", path, ": ", why));
}

bool HasParentPart(std::string_view path) {
  while (!path.empty()) {
    const size_t slash = path.find('/');
    if (path.substr(0, slash) == "..") return true;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return false;
}

absl::Status OpenError(const std::string& path, int error) {
  const char* what = "cannot be opened";
  if (error == EXDEV) what = "cannot be opened: a link in it leads out of its file system";
  if (error == ELOOP) what = "cannot be opened: it passes a link that may lead anywhere";
  return absl::ErrnoToStatus(error, absl::StrCat("file ", path, ": ", what));
}

// What was opened is what was asked for.
absl::Status CheckOpened(const UniqueFd& file, const std::string& path, bool is_sysfs) {
  struct stat status;
  struct statfs system;
  if (fstat(file.get(), &status) != 0 || fstatfs(file.get(), &system) != 0) {
    return OpenError(path, errno);
  }
  if (!S_ISREG(status.st_mode)) return Bad(path, "is not a regular file");
  if (system.f_type != (is_sysfs ? SYSFS_MAGIC : PROC_SUPER_MAGIC)) {
    return Bad(path, is_sysfs ? "is not of sysfs: something else is mounted there"
                              : "is not of procfs: something else is mounted there");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ValueTransport(const std::string& path) {
  const bool is_sysfs = path.starts_with("/sys/");
  if (!is_sysfs && !path.starts_with("/proc/")) {
    return Bad(path, "is neither below /sys/ nor below /proc/");
  }
  if (HasParentPart(path)) return Bad(path, "must not have a part '..'");
  if (path.find('\0') != std::string::npos) return Bad(path, "must not have a NUL");
  if (path == "/proc/kmsg") return Bad(path, "reading it takes records from others: use kmsg");
  return std::string(is_sysfs ? "sysfs" : "procfs");
}

absl::StatusOr<UniqueFd> OpenValueFile(const std::string& path, int access) {
  const absl::StatusOr<std::string> transport = ValueTransport(path);
  if (!transport.ok()) return transport.status();
  const bool is_sysfs = *transport == "sysfs";
  const std::string root = is_sysfs ? "/sys" : "/proc";
  const UniqueFd directory(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return OpenError(root, errno);

  open_how how{};
  how.flags = static_cast<uint64_t>(access) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const std::string below = path.substr(root.size() + 1);
  UniqueFd file(
      static_cast<int>(syscall(SYS_openat2, directory.get(), below.c_str(), &how, sizeof(how))));
  if (!file) return OpenError(path, errno);
  if (absl::Status status = CheckOpened(file, path, is_sysfs); !status.ok()) return status;
  return file;
}

absl::StatusOr<std::string> ReadValueFile(int fd, const std::string& path) {
  std::string text(kMaxValueBytes + 1, '\0');
  size_t bytes = 0;
  while (bytes < text.size()) {
    const ssize_t part =
        pread(fd, text.data() + bytes, text.size() - bytes, static_cast<off_t>(bytes));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) {
      return absl::ErrnoToStatus(errno, absl::StrCat("file ", path, ": cannot be read"));
    }
    if (part == 0) break;
    bytes += static_cast<size_t>(part);
  }
  if (bytes > kMaxValueBytes) {
    return absl::OutOfRangeError(
        absl::StrCat("file ", path, ": longer than ", kMaxValueBytes, " bytes: no value"));
  }
  text.resize(bytes);
  if (text.ends_with('\n')) text.pop_back();
  return ValidUtf8(text);
}

}  // namespace kchan::source
