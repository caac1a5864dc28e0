// SPDX-License-Identifier: Apache-2.0
#include "bridge/ending.h"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "spdlog/spdlog.h"

namespace kchan {
namespace {

// Returns the signal, or 0 at the deadline.
int AwaitSignal(std::chrono::steady_clock::time_point deadline, const sigset_t& signals) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return 0;
    const timespec wait{.tv_sec = static_cast<time_t>(left.count() / 1'000'000'000),
                        .tv_nsec = static_cast<long>(left.count() % 1'000'000'000)};
    const int signal = sigtimedwait(&signals, nullptr, &wait);
    if (signal > 0 && signal != SIGHUP) return signal;
    if (signal < 0 && errno == EAGAIN) return 0;
  }
}

}  // namespace

void EndWithin(std::chrono::milliseconds timeout, const sigset_t& signals,
               std::shared_ptr<const hub::RunningCalls> calls) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  // Never joined: it ends with the process, or ends that.
  std::thread([deadline, signals, calls = std::move(calls)] {
    const int signal = AwaitSignal(deadline, signals);
    for (const std::string& call : calls->List()) spdlog::error("has not returned: {}", call);
    if (signal != 0) {
      spdlog::error("ended at once: signal {} came while stopping", signal);
    } else {
      spdlog::error("ended by force: it did not stop in time");
    }
    spdlog::default_logger()->flush();
    // No destructor: they would wait for the same.
    _exit(kForcedExit);
  }).detach();
}

}  // namespace kchan
