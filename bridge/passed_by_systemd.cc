// SPDX-License-Identifier: Apache-2.0
#include "bridge/passed_by_systemd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace kchan {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START

std::string Take(const char* variable) {
  const char* value = std::getenv(variable);
  std::string taken = value == nullptr ? "" : value;
  unsetenv(variable);
  return taken;
}

}  // namespace

absl::StatusOr<std::vector<rpc::PassedSocket>> TakeSocketsOfServiceManager() {
  const std::string pid = Take("LISTEN_PID");
  const std::string count_text = Take("LISTEN_FDS");
  const std::string names_text = Take("LISTEN_FDNAMES");
  std::vector<rpc::PassedSocket> sockets;
  // Another's variables were left to this one.
  if (pid != std::to_string(getpid())) return sockets;
  int count = 0;
  if (!absl::SimpleAtoi(count_text, &count) || count < 0 || count > INT_MAX - kFirst) {
    return absl::InvalidArgumentError(
        absl::StrCat("LISTEN_FDS='", count_text, "' is no number of sockets"));
  }
  const std::vector<std::string> names = absl::StrSplit(names_text, ':');
  for (int i = 0; i < count; ++i) {
    const int fd = kFirst + i;
    const int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0) {
      return absl::ErrnoToStatus(
          errno, absl::StrCat("LISTEN_FDS='", count_text, "', but descriptor ", fd));
    }
    const bool has_name = static_cast<size_t>(i) < names.size() && !names[i].empty();
    sockets.push_back({source::UniqueFd(fd), has_name ? names[i] : absl::StrCat("number ", i + 1)});
  }
  return sockets;
}

}  // namespace kchan
