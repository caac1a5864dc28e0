// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_STOP_H_
#define KCHAN_CLIENTS_CLI_STOP_H_

#include <functional>
#include <thread>

namespace kchan::cli {

// StopWatch calls a function when the user has had enough: SIGINT, SIGTERM, or
// nobody reads standard output any more (`| head`), which a write would notice
// only with the next record. A second signal ends the process at once.
//
// Make it before any other thread exists: it takes the signals from all of them.
class StopWatch {
 public:
  StopWatch();
  ~StopWatch();

  // Watches, on a thread of its own, until End(). `on_stop` is called there, at
  // most once, and never after End() has returned.
  void Start(std::function<void()> on_stop);
  void End();

 private:
  void Run();

  int signal_fd_;
  int end_fd_;
  std::function<void()> on_stop_;
  std::thread thread_;
};

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_STOP_H_
