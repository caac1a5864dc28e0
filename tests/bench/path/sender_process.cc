// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/path/sender_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace kchan::bench {
namespace {

[[noreturn]] void RunSender(const std::string& method, const Setup& setup, int output) {
  const std::string port = std::to_string(setup.port);
  const std::string size = std::to_string(setup.record_bytes);
  const std::string rate = std::to_string(setup.rate);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(output, STDOUT_FILENO);
  execl("/proc/self/exe", "path_bench", "send", method.c_str(), "--port", port.c_str(), "--size",
        size.c_str(), "--rate", rate.c_str(), "--tls", setup.tls_folder.c_str(), "--spool",
        setup.spool_folder.c_str(), nullptr);
  _exit(127);
}

// A number of a line of a file of /proc/PID.
uint64_t NumberOf(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::stoull(line.substr(name.size() + 1));
  }
  return 0;
}

}  // namespace

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

SenderProcess::SenderProcess(const std::string& method, const Setup& setup) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) std::abort();
  pid_ = fork();
  if (pid_ == 0) RunSender(method, setup, pipe_ends[1]);
  close(pipe_ends[1]);
  char line[8];
  if (read(pipe_ends[0], line, sizeof(line)) <= 0) {
    std::fprintf(stderr, "%s: the sender did not start\n", method.c_str());
    std::exit(1);
  }
  close(pipe_ends[0]);
}

SenderProcess::~SenderProcess() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

double SenderProcess::cpu_seconds() const {
  std::FILE* file = std::fopen(("/proc/" + std::to_string(pid_) + "/stat").c_str(), "r");
  if (file == nullptr) return 0;
  unsigned long user = 0;
  unsigned long system = 0;
  const int got = std::fscanf(
      file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  std::fclose(file);
  if (got != 2) return 0;
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

uint64_t SenderProcess::resident_bytes() const {
  return NumberOf("/proc/" + std::to_string(pid_) + "/status", "VmRSS") << 10;
}

uint64_t SenderProcess::wake_ups() const {
  uint64_t sum = 0;
  for (const auto& thread :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/task")) {
    sum += NumberOf(thread.path() / "status", "voluntary_ctxt_switches");
  }
  return sum;
}

}  // namespace kchan::bench
