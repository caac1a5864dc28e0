// SPDX-License-Identifier: Apache-2.0
#include "stop.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <iterator>
#include <utility>

namespace kchan::cli {

StopWatch::StopWatch() : end_fd_(eventfd(0, EFD_CLOEXEC)) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal_fd_ = signalfd(-1, &signals, SFD_CLOEXEC);
}

StopWatch::~StopWatch() {
  End();
  close(signal_fd_);
  close(end_fd_);
}

void StopWatch::Start(std::function<void()> on_stop) {
  on_stop_ = std::move(on_stop);
  thread_ = std::thread([this] { Run(); });
}

void StopWatch::End() {
  if (!thread_.joinable()) return;
  eventfd_write(end_fd_, 1);
  thread_.join();
}

void StopWatch::Run() {
  // Nothing to poll for on standard output: POLLERR comes unasked.
  pollfd fds[] = {{end_fd_, POLLIN, 0}, {signal_fd_, POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
  bool stopped = false;
  for (;;) {
    if (poll(fds, std::size(fds), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (fds[0].revents != 0) return;
    const bool signalled = fds[1].revents != 0;
    if (!signalled && fds[2].revents == 0) continue;
    if (signalled && stopped) _exit(128 + SIGINT);
    if (signalled) {
      signalfd_siginfo taken;
      if (read(signal_fd_, &taken, sizeof(taken)) < 0 && errno != EINTR) return;
    }
    fds[2].fd = -1;  // its error stays; once is enough
    if (!std::exchange(stopped, true)) on_stop_();
  }
}

}  // namespace kchan::cli
