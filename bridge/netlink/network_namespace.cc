// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/network_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "absl/strings/str_cat.h"

namespace kchan::netlink {
namespace {

absl::Status Enter(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("network namespace ", path));
  }
  const int error = setns(fd, CLONE_NEWNET) == 0 ? 0 : errno;
  close(fd);
  if (error == 0) return absl::OkStatus();
  if (error == EINVAL) {
    return absl::FailedPreconditionError(absl::StrCat(
        "network namespace ", path, ": the file is none; was it made with `ip netns add`?"));
  }
  return absl::ErrnoToStatus(
      error, absl::StrCat("network namespace ", path, " cannot be entered (needs CAP_SYS_ADMIN)"));
}

}  // namespace

absl::StatusOr<NamespaceId> NamespaceAt(const std::string& path) {
  struct stat file = {};
  if (stat(path.c_str(), &file) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("network namespace ", path));
  }
  return NamespaceId{.device = file.st_dev, .inode = file.st_ino};
}

absl::Status CallInNamespace(const std::string& path, absl::FunctionRef<absl::Status()> call) {
  absl::Status status;
  std::thread([&] {
    status = Enter(path);
    if (status.ok()) status = call();
  }).join();
  return status;
}

absl::StatusOr<std::unique_ptr<NetlinkSocket>> OpenSocketIn(const std::string& path,
                                                            int receive_bytes, int protocol) {
  if (path.empty()) return NetlinkSocket::Open(receive_bytes, protocol);
  std::unique_ptr<NetlinkSocket> socket;
  const absl::Status status = CallInNamespace(path, [&] {
    auto opened = NetlinkSocket::Open(receive_bytes, protocol);
    if (opened.ok()) socket = *std::move(opened);
    return opened.status();
  });
  if (!status.ok()) return status;
  return socket;
}

}  // namespace kchan::netlink
