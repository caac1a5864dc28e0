// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_COMPONENT_CHILD_PROCESS_H_
#define KCHAN_TESTS_COMPONENT_CHILD_PROCESS_H_

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kchan::testing {

// A program that runs beside the test, its stderr in a file.
//
// Lifetime: killed, if it still runs, by the destructor.
class ChildProcess {
 public:
  ChildProcess(const std::string& program, const std::vector<std::string>& arguments,
               const std::string& stderr_file,
               const std::map<std::string, std::string>& environment = {});
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;

  // How it ended: its exit code, or minus the signal; nothing if it still runs
  // after 20 s.
  std::optional<int> Wait();

  // What it has said on stderr so far.
  std::string Said() const;

 private:
  const std::string stderr_file_;
  pid_t pid_ = -1;
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_COMPONENT_CHILD_PROCESS_H_
