// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/connections.h"

#include <sys/socket.h>

namespace kchan::rpc {
namespace {

// Looking at all of them is a system call for each: not for each connection of a
// flood.
constexpr std::chrono::milliseconds kLookInterval(10);

// Of the socket; 0: it is none.
uint64_t NumberOf(int fd) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

}  // namespace

bool Connections::HasRoom(std::chrono::steady_clock::time_point now) {
  std::lock_guard lock(mutex_);
  if (number_of_.size() < max_) return true;
  if (now - looked_ < kLookInterval) return false;
  looked_ = now;
  ForgetEndedLocked();
  return number_of_.size() < max_;
}

bool Connections::Add(int fd) {
  const uint64_t number = NumberOf(fd);
  if (number == 0) return false;
  std::lock_guard lock(mutex_);
  number_of_[fd] = number;  // whose descriptor it was has ended
  return true;
}

size_t Connections::Count() {
  std::lock_guard lock(mutex_);
  ForgetEndedLocked();
  return number_of_.size();
}

void Connections::ForgetEndedLocked() {
  std::erase_if(number_of_, [](const auto& each) { return NumberOf(each.first) != each.second; });
}

}  // namespace kchan::rpc
